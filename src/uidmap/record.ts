import { createHash } from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { hasCode, UserError } from '../lib/errors.ts'
import { syncFolder } from './file-edit.ts'
import type { Host } from './host.ts'
import type { IdMaps } from './id-map.ts'

/** One file that `enable` changed. Its bytes before lie in the state folder, under `before/` and its own path. */
export interface RecordedFile {
  /** On the host: "/etc/passwd". */
  readonly path: string
  /** Whether it was there before the first `enable`. */
  readonly existed: boolean
  /** Of the bytes that `enable` wrote: when they are still those, disable puts back what was before. */
  readonly writtenSha256: string
  /** The lines added: all that disable takes away when others have changed the file since. */
  readonly addedLines: readonly string[]
}

/** What `enable` did: written before its first change, kept until `disable` is through. */
export interface EnableRecord {
  readonly version: 1
  readonly user: string
  readonly maps: IdMaps
  /** On the host: "/etc/docker/daemon.json". */
  readonly daemonJson: string
  /** What `userns-remap` was in there before; null where it was not. */
  readonly valueBefore: string | null
  readonly files: readonly RecordedFile[]
  /** The folder of daemon.json, where it had to be made. */
  readonly madeFolder: string | null
  /** The first of the folders that had to be made for Paddock's state: absolute. */
  readonly madeStateFolder: string | null
  /** The engine's data root, whose group Docker changes. */
  readonly dataRoot: { readonly path: string; readonly gid: number } | null
  /** Whether every file was written. */
  readonly complete: boolean
}

export function sha256(text: string): string {
  return createHash('sha256').update(text, 'latin1').digest('hex')
}

/** @throws a UserError when the record cannot be read or is none */
export function readRecord(host: Host): EnableRecord | null {
  const file = recordFile(host)
  try {
    const record = JSON.parse(readFileSync(file, 'utf8')) as Partial<EnableRecord>
    if (record.version === 1 && Array.isArray(record.files)) return record as EnableRecord
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return null
    if (hasCode(error, 'EACCES'))
      throw new UserError(`cannot read ${file}: permission denied`, { hint: 'run it as root', cause: error })
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new UserError(`cannot use ${file}: it is not what 'paddock uidmap enable' wrote`, {
    hint: 'move it away; disable then takes the setting out of daemon.json and leaves the accounts',
  })
}

/** Writes the record; when it returns, the disk has it. */
export function writeRecord(host: Host, record: EnableRecord): void {
  writeDurably(recordFile(host), `${JSON.stringify(record, null, 2)}\n`)
}

/** @param made the first of the folders that were made for it; those that are empty go as well */
export function removeRecord(host: Host, made: string | null): void {
  rmSync(recordFile(host), { force: true })
  syncFolder(host.stateDir)
  rmSync(join(host.stateDir, 'before'), { recursive: true, force: true })
  if (made === null) return
  for (let folder = host.stateDir; folder.startsWith(made); folder = dirname(folder))
    if (!removeEmpty(folder)) return
}

export function removeEmpty(folder: string): boolean {
  try {
    rmdirSync(folder)
    return true
  } catch (error) {
    if (hasCode(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT', 'EBUSY')) return false
    throw error
  }
}

/** @returns the first of the folders that had to be made; null where all were there */
export function makeStateFolder(host: Host): string | null {
  return keeping(host.stateDir, () => mkdirSync(host.stateDir, { recursive: true, mode: 0o700 }) ?? null)
}

/** Keeps the bytes of a file; on the disk when it returns. */
export function keepBefore(host: Host, path: string, text: string): void {
  writeDurably(join(host.stateDir, 'before', path), text)
}

/** The bytes that a recorded file had. */
export function bytesBefore(host: Host, file: RecordedFile): string | null {
  if (!file.existed) return null
  const copy = join(host.stateDir, 'before', file.path)
  try {
    return readFileSync(copy, 'latin1')
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
    throw new UserError(`cannot bring ${file.path} back: its copy ${copy} is gone`, { cause: error })
  }
}

function recordFile(host: Host): string {
  return join(host.stateDir, 'enabled.json')
}

function writeDurably(file: string, text: string): void {
  keeping(file, () => {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    const fd = openSync(`${file}.new`, 'w', 0o600)
    try {
      writeFileSync(fd, text, 'latin1')
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(`${file}.new`, file)
    syncFolder(dirname(file))
  })
}

/** Why what it takes to go back cannot be kept. */
const CODES = ['EROFS', 'EACCES', 'EPERM', 'ENOSPC', 'EDQUOT', 'ENOTDIR', 'EEXIST', 'EIO']

function keeping<T>(file: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!hasCode(error, ...CODES)) throw error
    const why = error.message.replace(/^\w+: /, '').replace(/, \w+ '.*$/s, '')
    throw new UserError(`cannot keep what it takes to go back in ${file}: ${why}; nothing was changed`, {
      hint: 'run it as root, or name a folder that can be written in PADDOCK_STATE_DIR',
      cause: error,
    })
  }
}
