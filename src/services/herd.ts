import { createHash } from 'node:crypto'
import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { hasCode, UserError } from '../lib/errors.ts'
import { nearest } from '../lib/nearest.ts'

/** The folder that holds a host's services, a folder each. */
export interface Herd {
  /** Absolute, links resolved. */
  readonly dir: string
  /**
   * What compose projects, networks and data of this herd begin with: "herd-3fa2c1". The folder's name, and a hash of
   * its whole path, so that two herds of one name never touch one another.
   */
  readonly id: string
}

/** What compose takes for a project and a host name; without '_', which separates the parts of a project's name. */
export const SERVICE_NAME = /^[a-z0-9][a-z0-9-]{0,39}$/

/** Where the herd is looked for: `--herd`, else PADDOCK_HERD, else ./herd. */
export function herdPath(
  option: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string {
  return resolve(option ?? (env['PADDOCK_HERD'] || 'herd'))
}

/** @throws UserError where there is no such folder */
export function openHerd(path: string): Herd {
  try {
    if (!statSync(path).isDirectory()) throw new UserError(`cannot use the herd ${path}: it is no folder`)
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) throw error
    throw new UserError(
      `cannot use the herd ${path}: ${hasCode(error, 'EACCES') ? 'permission denied' : 'there is no such folder'}`,
      {
        hint: "name the folder of your services with --herd or PADDOCK_HERD, or begin one with 'paddock init NAME'",
      },
    )
  }
  const dir = realpathSync(path)
  const word = basename(dir)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 20)
  const hash = createHash('sha256').update(dir).digest('hex').slice(0, 6)
  return { dir, id: `${word === '' ? 'herd' : word}-${hash}` }
}

/** Names of all services: folders with a `compose.yaml`, in alphabetical order. */
export function serviceNames(herd: Herd): readonly string[] {
  return readdirSync(herd.dir)
    .filter((name) => !name.startsWith('.') && existsSync(join(herd.dir, name, 'compose.yaml')))
    .sort()
}

/**
 * The services that were typed: each a name, or the unambiguous beginning of one.
 * @param all every service; then none may be named
 * @param gone services that are known though their folder is gone
 */
export function chooseServices(
  herd: Herd,
  typed: readonly string[],
  all: boolean,
  gone: readonly string[] = [],
): readonly string[] {
  const names = [...serviceNames(herd), ...gone].sort()
  if (all && typed.length > 0) {
    throw new UserError(
      `cannot tell what is meant: --all is every service, and '${typed.join(' ')}' is named too`,
    )
  }
  if (all || typed.length === 0) return names.map(checkName)
  return [...new Set(typed.map((word) => checkName(chooseService(herd, names, word))))]
}

function chooseService(herd: Herd, names: readonly string[], typed: string): string {
  if (names.includes(typed)) return typed
  const begun = typed === '' ? [] : names.filter((name) => name.startsWith(typed))
  const [only] = begun
  if (begun.length === 1 && only !== undefined) return only
  if (begun.length > 1) {
    throw new UserError(`cannot tell which service '${typed}' is: ${begun.join(', ')} begin so`, {
      hint: 'type more of the name',
    })
  }
  const near = nearest(typed, names)
  throw new UserError(`there is no service '${typed}' in the herd ${herd.dir}`, {
    hint: near === null ? listHint(names) : `did you mean '${near}'?`,
  })
}

function listHint(names: readonly string[]): string {
  if (names.length === 0)
    return "a service is a folder with a compose.yaml: begin one with 'paddock init NAME'"
  return `there are ${names.slice(0, 20).join(', ')}${names.length > 20 ? ', …' : ''}`
}

function checkName(name: string): string {
  if (SERVICE_NAME.test(name)) return name
  throw new UserError(`cannot use the service folder '${name}': its name is no service's name`, {
    hint: 'rename it: small letters, digits and hyphens, at most 40',
  })
}
