import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Program } from '../../watch/supervisor.ts'
import { type Folders, watchFolder, type WatchUser } from './folders.ts'

export interface SensorFlags {
  readonly exec: string
  readonly engines: readonly string[]
  readonly policy: string | undefined
  /** Of watch, which may connect. */
  readonly gid: number
}

export function sensorProgram({ exec, engines, policy, gid }: SensorFlags, env: NodeJS.ProcessEnv): Program {
  const args = [
    `--exec=${exec}`,
    ...engines.map((address) => `--engine=${address}`),
    ...(policy === undefined ? [] : [`--policy=${policy}`]),
    `--group=${gid}`,
    '--supervised',
  ]
  return {
    name: 'paddock-sensor',
    file: process.execPath,
    args: [programFile('sensor'), ...args],
    options: (cause) => ({ env: { ...env, ...(cause !== null && { PADDOCK_SENSOR_DEATH: cause }) } }),
  }
}

/**
 * Watch, with what it may not do taken away: the rights of root, which it gives up itself once its code is loaded
 * (the package may lie in root's home); and, by Node's permission model, every file but those it needs, other
 * programs, native code.
 */
export function watchProgram(
  listen: string,
  folders: Folders,
  { uid, gid }: WatchUser,
  env: NodeJS.ProcessEnv,
): Program {
  const own = watchFolder(folders)
  const file = programFile('watch')
  const readable = [packageRoot(file), own, folders.config, folders.run]
  return {
    name: 'paddock-watch',
    file: process.execPath,
    args: [
      '--permission',
      ...readable.flatMap((path) => allowed('read', path)),
      ...[own, folders.run].flatMap((path) => allowed('write', path)),
      file,
      `--listen=${listen}`,
      ...(uid === 0 ? [] : [`--user=${uid}:${gid}`]),
      '--supervised',
    ],
    options: () => ({ env }),
  }
}

/** Both forms: Node takes a path for a folder only if it is one already. */
function allowed(what: 'read' | 'write', path: string): string[] {
  const full = resolve(path)
  return [`--allow-fs-${what}=${full}`, `--allow-fs-${what}=${join(full, '*')}`]
}

/** Beside this file when bundled, else in src/bin. */
export function programFile(name: string): string {
  const bundled = fileURLToPath(new URL(`./${name}.js`, import.meta.url))
  return existsSync(bundled) ? bundled : fileURLToPath(new URL(`../../bin/${name}.ts`, import.meta.url))
}

function packageRoot(file: string): string {
  let folder = dirname(file)
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder)
  return folder
}
