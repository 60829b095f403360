import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hasCode, UserError } from '../lib/errors.ts'

/** Files that useradd, usermod and the like lock by "<file>.lock" with their process id in it (shadow, `commonio.c`). */
const LOCKED = /\/etc\/(passwd|group|subuid|subgid)$/

/**
 * Runs `work` while no program of the shadow suite can write these files, nor another Paddock.
 * @throws the system's error where a lock cannot be written, a UserError where another holds it
 */
export function withLocks(places: readonly string[], work: () => void): void {
  const held: string[] = []
  try {
    for (const place of places.filter((one) => LOCKED.test(one))) held.push(lock(place))
    work()
  } finally {
    for (const file of held) rmSync(file, { force: true })
  }
}

function lock(place: string): string {
  const file = `${place}.lock`
  if (take(file)) return file
  const holder = holderOf(file)
  releaseStale(place)
  if (take(file)) return file
  const who = holder === null ? `the lock file ${file}` : `process ${holder}`
  throw new UserError(`cannot write ${place}: ${who} holds it; nothing was changed`, {
    hint: 'try again when useradd, vipw or the like is through',
  })
}

/** A lock left behind by a program that died: shadow takes such a one over as well. */
export function releaseStale(place: string): void {
  if (!LOCKED.test(place)) return
  const holder = holderOf(`${place}.lock`)
  if (holder !== null && !isAlive(holder)) rmSync(`${place}.lock`, { force: true })
}

function take(file: string): boolean {
  try {
    const fd = openSync(file, 'wx', 0o600)
    writeFileSync(fd, `${process.pid}\0`)
    closeSync(fd)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}

function holderOf(file: string): number | null {
  try {
    const pid = Number.parseInt(readFileSync(file, 'latin1'), 10)
    return Number.isInteger(pid) && pid > 0 ? pid : null
  } catch {
    return null
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return hasCode(error, 'EPERM')
  }
}
