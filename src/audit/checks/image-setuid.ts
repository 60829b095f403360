import { type Check, eachImage } from '../check.ts'

export const check: Check = {
  id: 'image-setuid',
  cis: '4.8',
  area: 'images',
  severity: 'low',
  title: 'The image has no setuid programs',
  flaw: 'An image has setuid programs',
  why: 'They turn any user of the container into its root, and hardly any service needs one.',
  judge: (facts) =>
    eachImage(facts, ({ setuid }) =>
      setuid === null || setuid.paths.length === 0
        ? null
        : {
            evidence: `${setuid.paths.length}: ${setuid.paths.slice(0, 5).join(', ')}${setuid.paths.length > 5 ? ', …' : ''}`,
            remedy: 'paddock harden IMAGE -t NEW',
            details: setuid.paths,
          },
    ),
}
