import { type Check, eachContainer, quoted } from '../check.ts'

export const check: Check = {
  id: 'published-ports',
  cis: '5.14',
  area: 'containers',
  severity: 'medium',
  title: 'Ports are published on chosen addresses only',
  flaw: 'Ports are published on all addresses',
  why: "A port on all addresses faces every network of the host, and Docker's rules come before those of the host's firewall.",
  judge: (facts) =>
    eachContainer(facts, ({ hostConfig, name }) => {
      const open = hostConfig.ports.filter(
        ({ hostIp, hostPort }) => hostPort > 0 && ['', '0.0.0.0', '::', '[::]'].includes(hostIp),
      )
      const told = [
        ...new Set(
          open.map(({ hostPort, containerPort, protocol }) => `${hostPort}->${containerPort}/${protocol}`),
        ),
      ]
      if (told.length === 0) return null
      const first = open[0]
      return {
        evidence: `on all addresses: ${told.join(', ')}`,
        remedy: `start ${quoted(name)} again with --publish ADDRESS:${first?.hostPort ?? 0}:${first?.containerPort ?? 0}`,
        details: told,
      }
    }),
}
