import type { ChangeKind } from '../../cow/change.ts'
import type { BytePath } from '../../lib/byte-path.ts'
import { literalGlob } from '../literal.ts'
import type { LearntChange, SeenChange } from './seen.ts'

/** In so many lines about one folder of data, what matters is the folder. */
const FOLDER_FROM = 8
/** Folders in which services keep data, each below one of its own. Nothing wider is ever learnt as a whole. */
const DATA = /^\/(?:var\/(?:lib|log|cache|spool|opt|www)|srv|data|run|home|opt)\/[^/]+/
const KIND_ORDER: readonly ChangeKind[] = ['added', 'modified', 'metadata', 'replaced', 'deleted']
const LARGEST_NOTE_BYTES = 1024

/** A pattern, and the changes that it was made of. */
interface Line {
  readonly glob: string
  readonly members: readonly SeenChange[]
}

/**
 * The lines of `expect` that these changes come to: names that vary become patterns, folders of data that are full of
 * changes become the folder. What the image has keeps its name.
 */
export function generaliseChanges(changes: readonly SeenChange[]): LearntChange[] {
  const added = new Set(changes.filter(({ kinds }) => kinds.has('added')).map(({ path }) => path))
  return joinFolders(joinNames(changes, added), added)
    .map(toLearnt)
    .sort((a, b) => (a.glob < b.glob ? -1 : 1))
}

/** Names that differ only in what varies, as one pattern. */
function joinNames(changes: readonly SeenChange[], added: ReadonlySet<BytePath>): Line[] {
  const shaped = Map.groupBy(changes, (change) =>
    change.kinds.has('added') ? shapeOf(change.path, added) : change.path,
  )
  return [...shaped].flatMap(([shape, members]): Line[] => {
    const [first] = members
    if (first === undefined) return []
    const varies = shape !== first.path && (members.length > 1 || first.passing || isLong(first.path, shape))
    if (!varies) return members.map((member) => ({ glob: literalGlob(member.path), members: [member] }))
    return [{ glob: globOfShape(shape), members }]
  })
}

/** Marks what varies in those names of a path that are not the image's. Bytes; a mark is a byte that no name holds. */
function shapeOf(path: BytePath, added: ReadonlySet<BytePath>): string {
  const names = path.split('/')
  let folder = ''
  let isNew = false
  return names
    .map((name, index) => {
      if (index === 0) return name
      folder += `/${name}`
      isNew ||= added.has(folder as BytePath) || index === names.length - 1
      return isNew ? shapeOfName(name) : name
    })
    .join('/')
}

const DIGITS = '\0'
const HEX = '\x00\x00'
const ANY = '\x00\x00\x00'

function shapeOfName(name: string): string {
  // What mkstemp and its like put at the end: letters of both cases or with digits.
  const random = /^(.{2,}[._-])([A-Za-z0-9]{6,})$/.exec(name)
  if (random?.[1] !== undefined && random[2] !== undefined && looksRandom(random[2])) return random[1] + ANY
  return name.replace(/(?<![A-Za-z0-9])[0-9a-f]{8,}(?![A-Za-z0-9])|\d{2,}/g, (run) =>
    /^\d+$/.test(run) ? DIGITS : HEX,
  )
}

function looksRandom(text: string): boolean {
  const kinds = [/[a-z]/, /[A-Z]/, /\d/].filter((kind) => kind.test(text)).length
  return kinds > 1 && !/^\d+$/.test(text)
}

/** A lone name is made a pattern only where it can hardly be the same again: a time, a hash, a process id. */
function isLong(path: BytePath, shape: string): boolean {
  return shape.includes(HEX) || /\d{5,}/.test(path.slice(path.lastIndexOf('/')))
}

function globOfShape(shape: string): string {
  return literalGlob(shape.replaceAll('\0', '\x01') as BytePath)
    .replaceAll('\x01\x01\x01', '*')
    .replaceAll('\x01\x01', '[0-9a-f]*')
    .replaceAll('\x01', '[0-9]*')
}

/** Folders full of lines, each as one. */
function joinFolders(lines: readonly Line[], added: ReadonlySet<BytePath>): Line[] {
  const homes = Map.groupBy(lines, ({ members }) => homeOf(members, added))
  return [...homes].flatMap(([home, inside]): readonly Line[] => {
    if (home === null) return inside
    const folder = commonFolder(inside.flatMap(({ members }) => members.map(({ path }) => path)))
    const below = inside.filter(({ members }) => members.every(({ path }) => path !== folder))
    if (below.length < FOLDER_FROM || folder.length < home.length) return inside
    const own = inside.filter((line) => !below.includes(line))
    return [...own, { glob: `${literalGlob(folder)}/**`, members: below.flatMap(({ members }) => members) }]
  })
}

/** The service's own folder that a line lies in: of its data, or one that it made. */
function homeOf(members: readonly SeenChange[], added: ReadonlySet<BytePath>): string | null {
  const [first] = members
  if (first === undefined) return null
  const data = DATA.exec(first.path)?.[0]
  if (data !== undefined) return data
  const names = first.path.split('/')
  const made = names.findIndex(
    (_, index) => index > 1 && added.has(names.slice(0, index + 1).join('/') as BytePath),
  )
  return made === -1 ? null : names.slice(0, made + 1).join('/')
}

/** The deepest folder that holds all of them, or is one of them. */
function commonFolder(paths: readonly BytePath[]): BytePath {
  const folders = paths.map((path) => path.split('/'))
  const [first = []] = folders
  const differs = first.findIndex((name, index) => folders.some((names) => names[index] !== name))
  const common = differs === -1 ? first : first.slice(0, differs)
  return common.join('/') as BytePath
}

function toLearnt({ glob, members }: Line): LearntChange {
  const kinds = new Set(members.flatMap((member) => [...member.kinds]))
  // Written anew with what it held before, it is metadata.
  if (kinds.has('modified')) kinds.add('metadata')
  const largest = members.reduce((most, { largestBytes }) => Math.max(most, largestBytes ?? 0), 0)
  const isNote = members.every(
    ({ path, type, largestBytes }) =>
      type === 'file' &&
      (largestBytes ?? 0) > 0 &&
      (largestBytes ?? 0) <= LARGEST_NOTE_BYTES &&
      NOTE.test(path),
  )
  const [first] = members
  const what = members.length === 1 ? (first?.type ?? 'file') : `${members.length} paths`
  const size = largest === 0 ? '' : `, at most ${largest} bytes`
  const passing = members.every((member) => member.passing) ? ', for a while' : ''
  return {
    glob,
    kinds: KIND_ORDER.filter((kind) => kinds.has(kind)),
    maxSizeBytes: isNote ? LARGEST_NOTE_BYTES : null,
    from: `${what}${size}${passing}`,
  }
}

/** Files that hold a number and never more. */
const NOTE = /\.(?:pid|lock|lck)$/
