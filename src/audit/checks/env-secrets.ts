import { type Check, eachContainer, quoted } from '../check.ts'
import { secretVariables } from '../secret.ts'

export const check: Check = {
  id: 'env-secrets',
  cis: '4.10',
  area: 'containers',
  severity: 'high',
  title: 'No secret is kept in the environment',
  flaw: 'Secrets are kept in the environment',
  why: 'The environment is shown by docker inspect, inherited by every process, and written into crash reports.',
  judge: (facts) =>
    eachContainer(facts, ({ env, imageId, name }) => {
      const fromImage = new Set(
        facts.images.ok ? facts.images.value.find(({ id }) => id === imageId)?.env : [],
      )
      const names = secretVariables(env.filter((each) => !fromImage.has(each)))
      return names.length === 0
        ? null
        : {
            evidence: `looks secret: ${names.join(', ')} (values not shown)`,
            remedy: `put it into a file mounted into ${quoted(name)}, and change the secret`,
            details: names,
          }
    }),
}
