import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { hasCode, UserError } from '../lib/errors.ts'

/** Writes a file so that after any interruption either the old or the new one is there, whole. Only its owner may read it. */
export function writeWhole(path: string, text: string, mode = 0o600): void {
  const fresh = `${path}.new`
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    const fd = openSync(fresh, 'w', mode)
    try {
      writeSync(fd, text)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(fresh, path)
    syncFolder(dirname(path))
  } catch (error) {
    throw cannotWrite(path, error)
  }
}

/** @returns null where there is none */
export function readRecord<T>(path: string, is: (value: unknown) => value is T): T | null {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    if (hasCode(error, 'EACCES'))
      throw new UserError(`cannot read ${path}: permission denied`, { hint: 'run it as root' })
    throw error
  }
  try {
    const value: unknown = JSON.parse(text)
    if (is(value)) return value
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new UserError(`cannot use ${path}: it is damaged`, {
    hint: 'move it away; build, test and promote again',
  })
}

export function writeRecord(path: string, value: object): void {
  writeWhole(path, `${JSON.stringify(value)}\n`)
}

export function removeRecord(path: string): void {
  rmSync(path, { force: true })
  try {
    syncFolder(dirname(path))
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
  }
}

function syncFolder(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

function cannotWrite(path: string, error: unknown): unknown {
  if (hasCode(error, 'EACCES', 'EPERM', 'EROFS'))
    return new UserError(`cannot write ${path}: permission denied`, { hint: 'run it as root', cause: error })
  if (hasCode(error, 'ENOSPC', 'EDQUOT'))
    return new UserError(`cannot write ${path}: the disk is full`, { cause: error })
  return error
}
