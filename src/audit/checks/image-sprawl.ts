import { type Check, daemonSubject, verdict, withPart } from '../check.ts'

export const check: Check = {
  id: 'image-sprawl',
  cis: '6.1',
  area: 'daemon',
  severity: 'info',
  title: 'Images that nothing uses are removed',
  flaw: 'Many images are kept that nothing uses',
  why: 'Old images are old holes, one docker run away.',
  judge: (facts) =>
    withPart(facts.imageCount, daemonSubject(facts), (count) => {
      const used = facts.images.ok ? facts.images.value.length : 0
      return [
        verdict(
          daemonSubject(facts),
          count - used > 100
            ? { evidence: `${count} images, ${used} in use`, remedy: 'docker image prune --all' }
            : null,
        ),
      ]
    }),
}
