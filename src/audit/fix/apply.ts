import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { UserError, hasCode } from '../../lib/errors.ts'
import type { FileFact } from '../facts.ts'
import type { HostTree } from '../gather/host-tree.ts'
import type { FileChange, FileState, Plan } from './plan.ts'

/** What was done, kept so that it can be undone. */
export interface UndoRecord {
  readonly version: 1
  readonly at: string
  readonly id: string
  /** The tree it was done in. */
  readonly root: string
  readonly changes: readonly FileChange[]
}

/**
 * Carries a plan out, file by file. The record of how it was is on disk before the first change. What cannot be carried
 * out whole is taken back; where the power fails in between, `undo` takes back what there is.
 * @param folder where records are kept
 * @returns the record's path
 */
export function applyPlan(plan: Plan, tree: HostTree, folder: string, at: Date): string {
  for (const change of plan.changes) assertState(tree, change.path, change.before)
  const record: UndoRecord = {
    version: 1,
    at: at.toISOString(),
    id: plan.id,
    root: tree.root,
    changes: plan.changes,
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, `${record.at.replace(/[:.]/g, '')}-${plan.id}.json`)
  // 0600: it holds earlier contents, /etc/gshadow's too.
  writeFileSync(path, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600, flag: 'wx', flush: true })
  try {
    for (const { path: file, after, before } of plan.changes) setState(tree, file, before, after)
  } catch (error) {
    undo(record, tree)
    rmSync(path)
    throw error
  }
  return path
}

/** Puts back what a record says was there. @throws UserError when something changed since, before anything is touched */
export function undo(record: UndoRecord, tree: HostTree): void {
  const changed = record.changes.filter((change) => isChanged(tree, change))
  for (const { path, before, after } of changed.toReversed()) {
    if (before === null) rmSync(placeOf(tree, path))
    else setState(tree, path, after, before)
  }
}

/**
 * Whether there is something of a change to take back: none where it was never come to.
 * @throws UserError when somebody else changed the file since
 */
function isChanged(tree: HostTree, { path, before, after }: FileChange): boolean {
  if (isState(tree, path, before)) return false
  if (!isState(tree, path, after) && !isBetween(tree.fact(path), before, after)) throw changedSince(path)
  return true
}

/** Its owner changed and its mode not yet: the power failed between the two. Contents change in one step. */
function isBetween(now: FileFact | null, before: FileState | null, after: FileState): boolean {
  if (now === null || before === null || after.text !== null) return false
  const ends = [before, after]
  return (
    ends.some(({ uid, gid }) => now.uid === uid && now.gid === gid) &&
    ends.some(({ mode }) => now.mode === mode)
  )
}

/** @throws UserError when the text is no record of ours */
export function parseUndo(text: string, file: string): UndoRecord {
  try {
    const value = JSON.parse(text) as Partial<UndoRecord>
    if (
      value.version === 1 &&
      typeof value.root === 'string' &&
      Array.isArray(value.changes) &&
      value.changes.every(({ path }) => typeof path === 'string')
    )
      return value as UndoRecord
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new UserError(`cannot undo by ${file}: it is not a record that paddock audit --fix wrote`)
}

function assertState(tree: HostTree, path: string, expected: FileState | null): void {
  if (!isState(tree, path, expected)) throw changedSince(path)
}

function isState(tree: HostTree, path: string, expected: FileState | null): boolean {
  const fact = tree.fact(path)
  if (fact === null || expected === null) return fact === expected
  return (
    fact.mode === expected.mode &&
    fact.uid === expected.uid &&
    fact.gid === expected.gid &&
    (expected.text === null || tree.text(path) === expected.text)
  )
}

function changedSince(path: string): UserError {
  return new UserError(`cannot go on: ${path} is not as it was when this was planned`, {
    hint: 'look at it, then run it again',
  })
}

function setState(
  tree: HostTree,
  path: string,
  before: FileState | null,
  { text, mode, uid, gid }: FileState,
): void {
  const place = placeOf(tree, path)
  if (text === null) {
    setMode(place, path, before, mode, uid, gid)
    return
  }
  // Beside it, complete, then renamed: whoever reads sees the old or the new file, and a power cut leaves one of them.
  const fresh = `${place}.paddock-${randomBytes(6).toString('hex')}`
  const descriptor = openSync(
    fresh,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o600,
  )
  try {
    writeFileSync(descriptor, text)
    fchownSync(descriptor, uid, gid)
    fchmodSync(descriptor, mode)
    fsyncSync(descriptor)
    renameSync(fresh, place)
  } catch (error) {
    rmSync(fresh, { force: true })
    throw error
  } finally {
    closeSync(descriptor)
  }
}

// By descriptor, so that a file swapped for a link between look and change leads nowhere.
function setMode(
  place: string,
  path: string,
  before: FileState | null,
  mode: number,
  uid: number,
  gid: number,
): void {
  const entry = lstatSync(place)
  if (entry.isSymbolicLink()) throw new UserError(`cannot change ${path}: it became a symbolic link`)
  if (entry.isSocket()) {
    chownSync(place, uid, gid)
    chmodSync(place, mode)
    return
  }
  const descriptor = openSync(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    if (before !== null && entry.uid !== before.uid)
      throw new UserError(`cannot change ${path}: its owner changed`)
    fchownSync(descriptor, uid, gid)
    fchmodSync(descriptor, mode)
  } finally {
    closeSync(descriptor)
  }
}

function placeOf(tree: HostTree, path: string): string {
  const place = tree.locate(path)
  if (place !== null) return place
  const folder = tree.locate(dirname(path))
  if (folder === null) throw new UserError(`cannot write ${path}: its folder does not exist`)
  return join(folder, path.slice(path.lastIndexOf('/') + 1))
}

/** Explains what the system refused while a plan was carried out. */
export function applyError(error: unknown): unknown {
  return hasCode(error, 'EACCES', 'EPERM', 'EROFS', 'ENOSPC')
    ? new UserError(`cannot carry the plan out: ${error.message}`, {
        hint: 'run it as root, on a file system that can be written',
        cause: error,
      })
    : error
}
