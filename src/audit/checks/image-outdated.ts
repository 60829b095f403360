import { type Check, eachContainer, quoted } from '../check.ts'

export const check: Check = {
  id: 'image-outdated',
  cis: '5.28',
  area: 'containers',
  severity: 'low',
  title: 'The container runs what its tag names now',
  flaw: 'A container does not run what its tag names now',
  why: 'A rebuilt or repulled image mends nothing until the container is started again from it.',
  judge: (facts) =>
    eachContainer(facts, ({ image, imageId, name }) => {
      if (
        !facts.images.ok ||
        image === '' ||
        image.includes('@') ||
        /^(sha256:)?[0-9a-f]{12,64}$/.test(image)
      )
        return null
      const own = facts.images.value.find(({ id }) => id === imageId)
      const wanted = /:[^/]+$/.test(image) ? image : `${image}:latest`
      if (own === undefined || own.tags.some((tag) => tag === wanted || tag.endsWith(`/${wanted}`)))
        return null
      return {
        evidence: `${wanted} now names another image`,
        remedy: `start ${quoted(name)} again`,
        details: [imageId],
      }
    }),
}
