import { type Check, host, quoted, verdict, withPart } from '../check.ts'

export const check: Check = {
  id: 'client-keys',
  cis: null,
  area: 'people',
  severity: 'high',
  title: 'Keys and passwords of engine clients are closed to others',
  flaw: 'Keys or passwords of engine clients are open to others',
  why: 'Who reads the client key of a TLS-protected engine is its administrator, and config.json holds registry passwords.',
  fixable: true,
  judge: (facts) =>
    withPart(facts.clientKeys, host, (keys) =>
      keys.length === 0
        ? [{ status: 'pass', subject: host, evidence: '' }]
        : keys.map((key) => {
            const open = key.mode & 0o077
            return verdict(
              { kind: 'host', name: key.path },
              open === 0
                ? null
                : {
                    evidence: `mode ${key.mode.toString(8).padStart(4, '0')}, owner ${key.uid}:${key.gid}`,
                    severity: key.path.endsWith('.pem') ? 'high' : 'medium',
                    remedy: `chmod 0600 ${quoted(key.path)}`,
                  },
            )
          }),
    ),
}
