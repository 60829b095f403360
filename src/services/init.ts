import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hasCode, UserError } from '../lib/errors.ts'
import { SERVICE_NAME } from './herd.ts'
import { newServiceFiles } from './template.ts'

/**
 * Makes the folder of a new service.
 * @param herdDir made where it is missing
 * @param from null for the built-in template; the name of a sample service, or the path of a service's folder
 * @returns the folder
 */
export function initService(herdDir: string, name: string, from: string | null): string {
  if (!SERVICE_NAME.test(name)) {
    throw new UserError(`'${name}' is no name for a service`, {
      hint: 'small letters, digits and hyphens, at most 40, a letter or digit first',
    })
  }
  const folder = join(herdDir, name)
  if (existsSync(folder)) throw new UserError(`cannot make the service '${name}': ${folder} is there already`)
  const source = from === null ? null : templateFolder(from)
  try {
    mkdirSync(herdDir, { recursive: true })
    // Whole or not at all.
    const fresh = mkdtempSync(join(herdDir, '.init-'))
    try {
      chmodSync(fresh, 0o755)
      if (source === null) writeTemplate(fresh, name, `${imagePrefix(herdDir)}/${name}`)
      else copyTemplate(source, fresh, name, `${imagePrefix(herdDir)}/${name}`)
      renameSync(fresh, folder)
    } finally {
      rmSync(fresh, { recursive: true, force: true })
    }
  } catch (error) {
    if (!hasCode(error, 'EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'ENOSPC')) throw error
    throw new UserError(`cannot make the service '${name}' in ${herdDir}: ${error.message}`, { cause: error })
  }
  return folder
}

function writeTemplate(folder: string, name: string, image: string): void {
  for (const [file, text] of Object.entries(newServiceFiles(name, image))) {
    const path = join(folder, file)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text, { mode: file === 'test' ? 0o755 : 0o644 })
  }
}

/** The name that images of the herd begin with: its folder's. */
function imagePrefix(herdDir: string): string {
  const word = basename(herdDir)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
  return word === '' ? 'herd' : word
}

function templateFolder(from: string): string {
  const folder = from.includes('/') ? from : join(sampleHerd(), from)
  if (existsSync(join(folder, 'compose.yaml'))) return folder
  throw new UserError(`there is no template '${from}'`, {
    hint: 'it is a service of the sample herd (web, redis, api), or the path of a folder with a compose.yaml',
  })
}

/** The sample herd lies beside the program, in the sources and in the package. */
export function sampleHerd(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'herd')) && folder !== '/') folder = dirname(folder)
  return join(folder, 'herd')
}

/** A copy, its service and image named as the folder. Other files stay as they are. */
function copyTemplate(source: string, folder: string, name: string, image: string): void {
  cpSync(source, folder, { recursive: true, verbatimSymlinks: true })
  const path = join(folder, 'compose.yaml')
  const old = basename(source)
  const text = readFileSync(path, 'utf8')
    .replaceAll(new RegExp(`^(\\s+image: )\\S+/${old}(:\\S+)?$`, 'gm'), `$1${image}$2`)
    .replaceAll(new RegExp(`^(  )${old}:$`, 'gm'), `$1${name}:`)
  writeFileSync(path, text)
}
