import { type Check, host, quoted, withPart } from '../check.ts'
import type { ClientSetting } from '../facts.ts'

function isOpen({ variable, value, file }: ClientSetting, all: readonly ClientSetting[]): boolean {
  if (variable !== 'DOCKER_HOST' && variable !== 'CONTAINER_HOST') return false
  return (
    /^(tcp|http):\/\//.test(value) &&
    !all.some((each) => each.file === file && each.variable === 'DOCKER_TLS_VERIFY')
  )
}

export const check: Check = {
  id: 'client-host',
  cis: null,
  area: 'people',
  severity: 'medium',
  title: 'No profile sends engine commands over an open connection',
  flaw: 'A profile sends engine commands over an open connection',
  why: 'DOCKER_HOST=tcp:// without TLS carries every command, and every secret in it, in the clear, to an engine that obeys anyone.',
  judge: (facts) =>
    withPart(facts.profiles, host, (settings) => {
      const open = settings.filter((each) => isOpen(each, settings))
      if (open.length === 0) return [{ status: 'pass', subject: host, evidence: '' }]
      return open.map(({ file, line, variable, value, user }) => ({
        status: 'fail' as const,
        subject:
          user === null ? ({ kind: 'host', name: file } as const) : ({ kind: 'user', name: user } as const),
        evidence: `${file}:${line} sets ${variable} to ${value}`,
        remedy: `replace it by ssh://HOST in ${quoted(file)}`,
        details: [`${file} ${variable} ${value}`],
      }))
    }),
}
