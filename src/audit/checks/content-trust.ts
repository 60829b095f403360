import { type Check, host, verdict, withPart } from '../check.ts'

export const check: Check = {
  id: 'content-trust',
  cis: '4.5',
  area: 'daemon',
  severity: 'info',
  title: 'Images are verified before they run',
  flaw: 'Images are not verified before they run',
  why: 'With DOCKER_CONTENT_TRUST=1 the client takes signed tags only. Docker is retiring this mechanism: pinning images by digest does as much.',
  judge: (facts) =>
    withPart(facts.profiles, host, (settings) => {
      const on = settings.some(
        ({ variable, value, user }) => variable === 'DOCKER_CONTENT_TRUST' && value === '1' && user === null,
      )
      const pinned =
        facts.containers.ok &&
        facts.containers.value.length > 0 &&
        facts.containers.value.every(({ image }) => image.includes('@sha256:'))
      return [
        verdict(
          host,
          on || pinned
            ? null
            : {
                evidence:
                  'DOCKER_CONTENT_TRUST is not set for everyone, and containers are not pinned by digest',
                remedy: 'echo DOCKER_CONTENT_TRUST=1 >> /etc/environment',
              },
        ),
      ]
    }),
}
