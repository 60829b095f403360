import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { EngineInfo, EngineReader } from '../engine/reader.ts'
import { UserError } from '../lib/errors.ts'
import { type Daemon, daemonBehind, DEFAULT_CONFIG_FILE, findDaemons, readsFile } from './daemon.ts'
import { type Host, hostPath } from './host.ts'

/** The host, the engine, and what is known of the daemon behind it. */
export interface Setup {
  readonly host: Host
  /** Null where none was asked for, or none answers. */
  readonly engine: { readonly reader: EngineReader; readonly info: EngineInfo } | null
  readonly daemon: Daemon | null
  /** All Docker daemons of this machine. */
  readonly daemons: readonly Daemon[]
  /** Where the engine's configuration is, on the host: "/etc/docker/daemon.json". */
  readonly configFile: string
}

export function describeSetup(host: Host, engine: Setup['engine']): Setup {
  const daemons = findDaemons()
  const daemon = engine === null ? null : daemonBehind(daemons, engine.reader.address)
  return { host, engine, daemon, daemons, configFile: configFileOf(host, daemon) }
}

/** The daemon's own, as it lies below the root; Docker's usual one where the root has no place for that. */
function configFileOf(host: Host, daemon: Daemon | null): string {
  if (daemon === null) return DEFAULT_CONFIG_FILE
  const path = hostPath(host, daemon.configFile)
  const fits = host.root === '' || path !== daemon.configFile || existsSync(`${host.root}${dirname(path)}`)
  return fits ? path : DEFAULT_CONFIG_FILE
}

/** Whether the daemon behind the engine reads the file of this host; null where there is none to ask. */
export function daemonReads({ host, daemon }: Setup, path: string): boolean | null {
  if (daemon === null) return null
  const theirs = path === '/etc/subuid' ? path : daemon.configFile
  return readsFile(daemon, theirs, `${host.root}${path}`)
}

/** @throws a UserError for what is no Docker: `what` is "plan remapping" */
export function refuseOthers({ engine }: Setup, what: string): void {
  if (engine?.info.kind !== 'podman') return
  throw new UserError(
    `cannot ${what} of the engine at ${engine.reader.address}: it is Podman, which maps each container by itself`,
    { hint: "run containers with '--userns=auto'; 'paddock uidmap status' shows what they got" },
  )
}
