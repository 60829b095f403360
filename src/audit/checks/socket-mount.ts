import { type Check, eachContainer, quoted } from '../check.ts'

export const check: Check = {
  id: 'socket-mount',
  cis: '5.32',
  area: 'containers',
  severity: 'critical',
  title: 'No container holds an engine socket',
  flaw: 'A container holds an engine socket',
  why: 'Who writes to the socket starts containers as root, with / mounted: read-only mounts do not hinder it.',
  judge: (facts) =>
    eachContainer(facts, ({ reaches, name }) => {
      const sockets = reaches.filter(({ what }) => what === 'socket')
      if (sockets.length === 0) return null
      return {
        evidence: sockets
          .map(({ path, source, target }) =>
            source === path
              ? `mounts ${path} at ${target}`
              : `mounts ${source} at ${target}, which holds ${path}`,
          )
          .join('; '),
        remedy: `start ${quoted(name)} again without the mount of ${[...new Set(sockets.map(({ source }) => source))].join(', ')}`,
        details: [...new Set(sockets.map(({ path }) => path))],
      }
    }),
}
