import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { type BytePath, pathFromJson, pathJson } from '../lib/byte-path.ts'
import { hasCode, UserError } from '../lib/errors.ts'
import type { EntryState } from './entry-state.ts'
import type { EntryChange } from './fix-plan.ts'
import { syncFolder } from './file-edit.ts'
import type { Host } from './host.ts'

/*
 * What a fix is about to do, written and on the disk before the first change: a line of JSON for the head, one for
 * each entry, and, for files that give more than their runner has, one more when they were changed.
 */

export interface FixLog extends Disposable {
  readonly file: string
  /** Says that a file was changed, and when: whoever changes it later cannot set that time (ctime). */
  changed(index: number, ctimeNs: bigint): void
}

export interface LoggedChange extends EntryChange {
  /** Of the file right after the change, where it was kept. */
  readonly ctimeNs: bigint | null
}

export interface LoggedFix {
  readonly container: string
  readonly changes: readonly LoggedChange[]
}

interface Head {
  readonly version: 1
  readonly what: 'paddock uidmap fix'
  readonly container: string
  readonly at: string
  readonly entries: number
}

/** Writes the log; when it returns, the disk has it. */
export function openFixLog(host: Host, container: string, changes: readonly EntryChange[]): FixLog {
  const at = new Date().toISOString()
  const file = join(host.stateDir, 'fixes', `${at.replaceAll(/[:.]/g, '-')}-${container}.jsonl`)
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const fd = openSync(file, 'wx', 0o600)
  const head: Head = { version: 1, what: 'paddock uidmap fix', container, at, entries: changes.length }
  writeLine(fd, head)
  for (const change of changes) writeLine(fd, changeJson(change))
  fsyncSync(fd)
  syncFolder(dirname(file))
  return {
    file,
    changed(index, ctimeNs) {
      writeLine(fd, { changed: index, ctimeNs: String(ctimeNs) })
    },
    [Symbol.dispose]: () => {
      fsyncSync(fd)
      closeSync(fd)
    },
  }
}

function writeLine(fd: number, value: unknown): void {
  writeSync(fd, `${JSON.stringify(value)}\n`)
}

function changeJson({ root, path, device, inode, links, before, after }: EntryChange) {
  return {
    root: pathJson(root),
    path: pathJson(path),
    device: String(device),
    inode: String(inode),
    links: String(links),
    before: stateJson(before),
    after: stateJson(after),
  }
}

type StateJson = ReturnType<typeof stateJson>

function stateJson({ uid, gid, mode, acl, defaultAcl, capability }: EntryState) {
  const text = (bytes: Buffer | null) => bytes?.toString('base64') ?? null
  return { uid, gid, mode, acl: text(acl), defaultAcl: text(defaultAcl), capability: text(capability) }
}

/** @throws a UserError for what is no such log, or not whole */
export function readFixLog(file: string): LoggedFix {
  try {
    const [first = '', ...lines] = readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
    const head = JSON.parse(first) as Partial<Head>
    if (head.version !== 1 || head.what !== 'paddock uidmap fix' || head.entries === undefined)
      throw new SyntaxError('head')
    const entries = lines.slice(0, head.entries).map(parseChange)
    if (entries.length < head.entries) throw new SyntaxError('cut off')
    const times = new Map(lines.slice(head.entries).flatMap(parseTime))
    return {
      container: String(head.container),
      changes: entries.map((entry, index) => ({ ...entry, ctimeNs: times.get(index) ?? null })),
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES', 'EISDIR'))
      throw new UserError(`cannot read ${file}: ${error.message.replace(/, \w+ '.*$/s, '')}`, {
        cause: error,
      })
    if (!(error instanceof SyntaxError) && !(error instanceof TypeError)) throw error
    throw new UserError(`cannot undo by ${file}: it is not a whole log of 'paddock uidmap fix'`, {
      hint: "the logs lie in the folder 'fixes' of Paddock's state folder; a fix names its own",
      cause: error,
    })
  }
}

function parseChange(line: string): EntryChange {
  const json = JSON.parse(line) as ReturnType<typeof changeJson>
  return {
    root: checkedPath(pathFromJson(json.root)),
    path: checkedPath(pathFromJson(json.path)),
    device: BigInt(json.device),
    inode: BigInt(json.inode),
    links: BigInt(json.links),
    before: parseState(json.before),
    after: parseState(json.after),
  }
}

/** Absolute, and never upwards. */
function checkedPath(path: BytePath): BytePath {
  if (path.startsWith('/') && !path.split('/').includes('..')) return path
  throw new SyntaxError('a path')
}

function parseState({ uid, gid, mode, acl, defaultAcl, capability }: StateJson): EntryState {
  if (![uid, gid, mode].every((number) => Number.isSafeInteger(number) && number >= 0))
    throw new SyntaxError('a number')
  const bytes = (text: string | null) => (text === null ? null : Buffer.from(text, 'base64'))
  return { uid, gid, mode, acl: bytes(acl), defaultAcl: bytes(defaultAcl), capability: bytes(capability) }
}

/** Nothing for one that was cut off when the power failed: without it the file is trusted less, and no more. */
function parseTime(line: string): (readonly [number, bigint])[] {
  try {
    const { changed, ctimeNs } = JSON.parse(line) as { changed: number; ctimeNs: string }
    return [[changed, BigInt(ctimeNs)]]
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return []
    throw error
  }
}

/** The logs of fixes that were not taken back, newest first: the order in which to take them back. */
export function openFixes(host: Host): string[] {
  const folder = join(host.stateDir, 'fixes')
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.jsonl'))
      .toSorted()
      .toReversed()
      .map((name) => join(folder, name))
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES', 'ENOTDIR')) return []
    throw error
  }
}

/** Marks a fix as taken back. */
export function closeFix(file: string): void {
  renameSync(file, `${file}.undone`)
}
