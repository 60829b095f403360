import { type Check, eachContainer, quoted, severityRank } from '../check.ts'
import { dangerousDevice } from '../device.ts'

export const check: Check = {
  id: 'devices',
  cis: '5.18',
  area: 'containers',
  severity: 'medium',
  title: 'No container drives devices of the host',
  flaw: 'A container drives devices of the host',
  why: 'A disk given as a device is every file on it, beneath all permissions.',
  judge: (facts) =>
    eachContainer(facts, ({ hostConfig, name }) => {
      if (hostConfig.privileged) return null // Said there.
      const found = hostConfig.devices.flatMap(({ host: path }) => {
        const danger = dangerousDevice(path)
        return danger === null ? [] : [{ path, ...danger }]
      })
      const rules = hostConfig.deviceCgroupRules.filter((rule) => /^(a|b)\b|\*:/.test(rule))
      if (found.length + rules.length === 0) return null
      const severities = [...found.map(({ severity }) => severity), ...rules.map(() => 'high' as const)]
      return {
        evidence: [
          ...found.map(({ path, gives }) => `${path} (${gives})`),
          ...rules.map((rule) => `device rule ${rule}`),
        ].join('; '),
        severity: severities.reduce((one, other) => (severityRank(other) > severityRank(one) ? other : one)),
        remedy: `start ${quoted(name)} again without ${[...found.map(({ path }) => `--device ${path}`), ...rules.map((rule) => `--device-cgroup-rule '${rule}'`)].join(' ')}`,
        details: [...found.map(({ path }) => path), ...rules],
      }
    }),
}
