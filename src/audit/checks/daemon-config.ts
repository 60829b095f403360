import { type Check, dockerDaemon, quoted } from '../check.ts'

export const check: Check = {
  id: 'daemon-config',
  cis: null,
  area: 'daemon',
  severity: 'medium',
  title: "The daemon's configuration file can be read by the daemon",
  flaw: 'The daemon cannot use its configuration file',
  why: 'A daemon.json that does not parse, or that repeats a flag of the command line, is found out at the next restart: the engine does not come back.',
  judge: (facts) =>
    dockerDaemon(facts, ({ configProblem, configFile, config, settings }) => {
      if (configProblem !== null) return { evidence: configProblem, remedy: `correct ${quoted(configFile)}` }
      const twice = Object.keys(config).filter((name) => settings.get(name)?.from === 'command line')
      return twice.length === 0
        ? null
        : {
            evidence: `set in ${configFile} and on the command line: ${twice.join(', ')}`,
            remedy: `remove ${twice.join(', ')} from ${quoted(configFile)}`,
            details: twice,
          }
    }),
}
