import { type Check, eachImage } from '../check.ts'
import { assignments, secretVariables } from '../secret.ts'

export const check: Check = {
  id: 'image-secrets',
  cis: '4.10',
  area: 'images',
  severity: 'high',
  title: 'No secret is baked into the image',
  flaw: 'Secrets are baked into an image',
  why: 'Whoever has the image has what is in its environment and its history, for ever.',
  judge: (facts) =>
    eachImage(facts, ({ env, history }) => {
      const names = secretVariables([...env, ...history.flatMap(({ createdBy }) => assignments(createdBy))])
      return names.length === 0
        ? null
        : {
            evidence: `looks secret: ${names.join(', ')} (values not shown)`,
            remedy: 'build with RUN --mount=type=secret, and change the secret',
            details: names,
          }
    }),
}
