import { accessSync, constants, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where docker looks for its plug-ins, after those places that its configuration names (source: docker/cli, cli-plugins/manager). */
const SYSTEM_FOLDERS = [
  '/usr/local/lib/docker/cli-plugins',
  '/usr/local/libexec/docker/cli-plugins',
  '/usr/lib/docker/cli-plugins',
  '/usr/libexec/docker/cli-plugins',
]

/**
 * The program that `docker compose` runs. Asked for by itself it does the same without docker's own start, which takes twice
 * as long as its own work on a small file.
 * @returns null where docker is missing too, or has none: docker itself says so best
 */
export function composeProgram(env: Readonly<Record<string, string | undefined>>): string | null {
  const onPath = (env['PATH'] ?? '').split(':').filter((folder) => folder !== '')
  if (!onPath.some((folder) => isProgram(join(folder, 'docker')))) return null
  const config = env['DOCKER_CONFIG'] ?? join(env['HOME'] ?? '/', '.docker')
  const folders = [
    ...extraFolders(join(config, 'config.json')),
    join(config, 'cli-plugins'),
    ...SYSTEM_FOLDERS,
  ]
  return folders.map((folder) => join(folder, 'docker-compose')).find(isProgram) ?? null
}

function extraFolders(path: string): readonly string[] {
  try {
    const config: unknown = JSON.parse(readFileSync(path, 'utf8'))
    const extra = (config as { cliPluginsExtraDirs?: unknown } | null)?.cliPluginsExtraDirs
    return Array.isArray(extra) ? extra.filter((folder) => typeof folder === 'string') : []
  } catch {
    // Missing or broken: docker says so where it matters.
    return []
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
