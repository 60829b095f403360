import { type Check, eachContainer, quoted } from '../check.ts'

export const check: Check = {
  id: 'mutable-tag',
  cis: null,
  area: 'containers',
  severity: 'low',
  title: 'The image is named by more than "latest"',
  flaw: 'An image is named by nothing more than "latest"',
  why: 'Nobody can say what latest was when the container was started, nor go back to it.',
  judge: (facts) =>
    eachContainer(facts, ({ image, name }) => {
      const bare =
        image !== '' &&
        !image.includes('@') &&
        !/^(sha256:)?[0-9a-f]{12,64}$/.test(image) &&
        (!/:[^/]+$/.test(image) || image.endsWith(':latest'))
      return bare
        ? {
            evidence: `started from ${image}`,
            remedy: `start ${quoted(name)} again from a version or a digest`,
          }
        : null
    }),
}
