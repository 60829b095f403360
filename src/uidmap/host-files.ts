import { UserError } from '../lib/errors.ts'
import { parseDaemonJson } from './daemon-json.ts'
import { type Host, readHostFile } from './host.ts'
import { type EnableRecord, readRecord } from './record.ts'

/** All of the host's files that a plan is made from. Texts are `latin1`; null is no file. */
export interface HostFiles {
  readonly passwd: string
  readonly group: string
  readonly subuid: string | null
  readonly subgid: string | null
  readonly nsswitch: string
  readonly loginDefs: string
  readonly daemonJson: { readonly path: string; readonly text: string | null }
  readonly record: EnableRecord | null
}

/** @param daemonJson where the engine reads its configuration: "/etc/docker/daemon.json" */
export function readHostFiles(host: Host, daemonJson: string): HostFiles {
  return {
    passwd: needed(host, '/etc/passwd'),
    group: needed(host, '/etc/group'),
    subuid: readHostFile(host, '/etc/subuid'),
    subgid: readHostFile(host, '/etc/subgid'),
    nsswitch: readHostFile(host, '/etc/nsswitch.conf') ?? '',
    loginDefs: readHostFile(host, '/etc/login.defs') ?? '',
    daemonJson: { path: daemonJson, text: readHostFile(host, daemonJson) },
    record: readRecord(host),
  }
}

function needed(host: Host, path: string): string {
  const text = readHostFile(host, path)
  if (text !== null) return text
  throw new UserError(`cannot plan without ${host.root}${path}: there is none`)
}

/** `userns-remap` of daemon.json; null where it is not set. */
export function configuredRemap(host: Host, { daemonJson: { path, text } }: HostFiles): string | null {
  const value = parseDaemonJson(text ?? '', `${host.root}${path}`)['userns-remap']
  if (value === undefined || value === '') return null
  if (typeof value === 'string') return value
  throw new UserError(
    `cannot use ${host.root}${path}: "userns-remap" is ${JSON.stringify(value)}, not a name`,
    {
      hint: 'give it a user, or take it away',
    },
  )
}

/** Where user names come from besides the files: "ldap", "sss", "nis" (nsswitch.conf(5)); empty is nowhere else. */
export function directoryServices(nsswitch: string): string[] {
  const local = new Set(['files', 'compat', 'systemd', 'mymachines', 'altfiles', 'extrausers'])
  const line = /^\s*passwd:(.*)$/m.exec(nsswitch.replaceAll(/#.*$/gm, ''))?.[1] ?? ''
  return line
    .replaceAll(/\[[^\]]*\]/g, ' ')
    .split(/\s+/)
    .filter((service) => service !== '' && !local.has(service))
}
