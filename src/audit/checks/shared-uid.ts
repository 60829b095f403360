import { type Check, eachContainer, quoted } from '../check.ts'

export const check: Check = {
  id: 'shared-uid',
  cis: null,
  area: 'containers',
  severity: 'low',
  title: 'No two containers run as the same user of the host',
  flaw: 'Containers run as the same user of the host',
  why: 'Where two containers share a uid, what one leaves behind or may touch on the host belongs to the other too.',
  judge: (facts) =>
    eachContainer(facts, ({ running, id, name }) => {
      if (running === null || running.uid === 0 || !facts.containers.ok) return null // Root is root-user's affair.
      const others = facts.containers.value
        .filter((other) => other.id !== id && other.running?.uid === running.uid)
        .map((other) => other.name)
      return others.length === 0
        ? null
        : {
            evidence: `uid ${running.uid} is also that of ${others.slice(0, 5).join(', ')}${others.length > 5 ? ` and ${others.length - 5} more` : ''}`,
            remedy: `give ${quoted(name)} a user of its own (--user)`,
            details: others,
          }
    }),
}
