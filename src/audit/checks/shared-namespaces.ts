import { type Check, eachContainer, quoted } from '../check.ts'
import type { ContainerFact } from '../facts.ts'

const SHARED: readonly (readonly [name: string, mode: (container: ContainerFact) => string])[] = [
  ['pid', ({ hostConfig }) => hostConfig.pidMode],
  ['net', ({ hostConfig }) => hostConfig.networkMode],
  ['ipc', ({ hostConfig }) => hostConfig.ipcMode],
]

export const check: Check = {
  id: 'shared-namespaces',
  cis: null,
  area: 'containers',
  severity: 'medium',
  title: 'No two containers share their processes, network or memory',
  flaw: 'Containers share their processes, network or memory',
  why: "What is shared is no wall: through another's processes lies its filesystem, through its network its localhost.",
  judge: (facts) =>
    eachContainer(facts, (container) => {
      if (!facts.containers.ok) return null
      const all = facts.containers.value
      const found = SHARED.flatMap(([name, mode]) => {
        const owner = /^container:(.+)$/.exec(mode(container))?.[1]
        if (owner !== undefined)
          return [
            { name, with: [all.find(({ id, name: each }) => id === owner || each === owner)?.name ?? owner] },
          ]
        // Joined by another way than the engine's: seen by the kernel's own number of the namespace.
        const own = container.running?.namespaces[name]
        if (own === undefined || own === '' || mode(container) === 'host') return []
        const others = all
          .filter(
            (other) =>
              other.id !== container.id &&
              other.running?.namespaces[name] === own &&
              !mode(other).startsWith('container:'),
          )
          .map((other) => other.name)
        return others.length === 0 ? [] : [{ name, with: others }]
      })
      if (found.length === 0) return null
      return {
        evidence: found.map((each) => `shares ${each.name} with ${each.with.join(', ')}`).join('; '),
        severity: found.some(({ name }) => name === 'pid') ? 'medium' : 'low',
        remedy: `start ${quoted(container.name)} again with namespaces of its own`,
        details: found.map((each) => `${each.name} ${each.with.join(',')}`),
      }
    }),
}
