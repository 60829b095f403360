import { type Check, dockerDaemon, setting, settingRemedy } from '../check.ts'
import { logOptions } from '../gather/daemon-flags.ts'

export const check: Check = {
  id: 'log-limits',
  cis: '2.13',
  area: 'daemon',
  severity: 'medium',
  title: 'Logs of containers cannot fill the disk',
  flaw: 'Logs of containers can fill the disk',
  why: 'json-file without max-size grows until the disk is full, and then nothing on the host works, the audit log included.',
  fixable: true,
  judge: (facts) =>
    dockerDaemon(facts, (daemon) => {
      const driver = facts.engine.ok
        ? facts.engine.value.loggingDriver
        : (setting(daemon, 'log-driver').value ?? 'json-file')
      const limited = logOptions(setting(daemon, 'log-opts').value)['max-size'] !== undefined
      return driver === 'json-file' && !limited
        ? { evidence: 'json-file without max-size', remedy: settingRemedy('log-limits') }
        : null
    }),
}
