import { type Check, dockerDaemon, setting } from '../check.ts'

export const check: Check = {
  id: 'insecure-registries',
  cis: '2.5',
  area: 'daemon',
  severity: 'medium',
  title: 'Images come over TLS',
  flaw: 'Images come from registries without TLS',
  why: 'An image fetched without TLS is whatever the network made of it, and the engine runs it.',
  judge: (facts) =>
    dockerDaemon(facts, (daemon) => {
      const configured = setting(daemon, 'insecure-registries').value
      const named = facts.engine.ok
        ? facts.engine.value.insecureRegistries
        : Array.isArray(configured)
          ? configured.map(String)
          : []
      return named.length === 0
        ? null
        : {
            evidence: `without TLS: ${named.join(', ')}`,
            remedy: 'give the registry a certificate and remove it from insecure-registries',
            details: named,
          }
    }),
}
