import { type Check, host, settingRemedy, verdict, withPart } from '../check.ts'
import { holds } from '../gather/mount-table.ts'

export const check: Check = {
  id: 'audit-rules',
  cis: '1.1.3',
  area: 'daemon',
  severity: 'low',
  title: "Changes to the engine's files are logged by the audit daemon",
  flaw: "Changes to the engine's files leave no record",
  why: 'After a break-in, these records say who touched the engine and when.',
  fixable: true,
  judge: (facts) =>
    withPart(facts.auditRules, host, ({ watched, wanted }) =>
      wanted.map(({ path, cis }) => {
        // A folder's rule holds for all below it; a path that only begins alike is another path.
        const covered = watched.some((each) => holds(each, path))
        return {
          ...verdict(
            { kind: 'host', name: path },
            covered ? null : { evidence: 'no audit rule watches it', remedy: settingRemedy('audit-rules') },
          ),
          cis,
        }
      }),
    ),
}
