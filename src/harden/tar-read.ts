import { BLOCK, type Header, parseHeader, refuse } from './tar-header.ts'

/** Where a tar's bytes come from: a spool, or a part of one. */
export interface ByteSource {
  readonly sizeBytes: () => number
  read(offset: number, length: number): Buffer
}

export type EntryType =
  'file' | 'hard-link' | 'symlink' | 'character-device' | 'block-device' | 'directory' | 'fifo'

/** One entry, its PAX records laid over its header. Names are bytes as latin1, exactly as they stand there. */
export interface TarEntry {
  readonly type: EntryType
  readonly name: string
  readonly linkName: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Seconds since the epoch, as written: "1700000000", "1700000000.25". */
  readonly mtime: string
  readonly major: number
  readonly minor: number
  /** Of the content that lies in the archive from `offset` on. */
  readonly sizeBytes: number
  readonly offset: number
  /** By name without prefix: "security.capability". */
  readonly xattrs: ReadonlyMap<string, Buffer>
}

const TYPES: Readonly<Record<string, EntryType>> = {
  '0': 'file',
  '7': 'file',
  '1': 'hard-link',
  '2': 'symlink',
  '3': 'character-device',
  '4': 'block-device',
  '5': 'directory',
  '6': 'fifo',
}

/** Far more than real images have. Of each some 110 bytes are held in memory, of contents nothing. */
const MOST_ENTRIES = 1_000_000
const LONGEST_EXTENSION_BYTES = 1024 * 1024
const LONGEST_NAME_BYTES = 4096
const XATTR = 'SCHILY.xattr.'

/**
 * Reads a tar by its headers alone, leaving contents where they lie.
 * @param start where the archive begins in `source`
 * @param sizeBytes how long it is
 * @throws UserError for anything that is no tar as engines write them
 */
export function* readTar(source: ByteSource, start: number, sizeBytes: number): Generator<TarEntry> {
  const end = start + sizeBytes
  const blocks = blockReader(source, end)
  let at = start
  let global = new Map<string, Buffer>()
  let own = new Map<string, Buffer>()
  let count = 0
  /** Most entries of a layer have one time. */
  let time = ''
  for (;;) {
    const block = blocks(at)
    if (block === null) return
    const header = parseHeader(block)
    if (header === null) return
    const offset = at + BLOCK
    if (header.sizeBytes < 0) throw refuse('an entry has a negative size')
    const isExtension = 'xgLK'.includes(header.type)
    const entrySize = isExtension
      ? header.sizeBytes
      : paxNumber(own, 'size', paxNumber(global, 'size', header.sizeBytes))
    const hasContent = isExtension || (TYPES[header.type] ?? 'file') === 'file'
    const contentBytes = hasContent ? entrySize : 0
    at = offset + Math.ceil(contentBytes / BLOCK) * BLOCK
    if (offset + contentBytes > end) throw refuse('its archive ends in the middle of an entry')
    if (isExtension) {
      if (contentBytes > LONGEST_EXTENSION_BYTES) throw refuse('an extended header is longer than 1 MiB')
      const content = source.read(offset, contentBytes)
      if (header.type === 'g') global = new Map([...global, ...paxRecords(content)])
      else if (header.type === 'x') for (const [key, value] of paxRecords(content)) own.set(key, value)
      else own.set(header.type === 'L' ? 'path' : 'linkpath', untilNul(content))
      continue
    }
    if (++count > MOST_ENTRIES) throw refuse(`it holds more than ${MOST_ENTRIES} entries`)
    const pax = global.size + own.size === 0 ? own : new Map([...global, ...own])
    const written = paxTime(pax.get('mtime')) ?? String(header.mtime)
    if (written !== time) time = written
    yield entryOf(header, pax, time, offset, contentBytes)
    if (own.size > 0) own = new Map()
  }
}

/** Headers of small files lie close together: one read serves many. */
function blockReader(source: ByteSource, end: number): (at: number) => Buffer | null {
  let from = 0
  let window: Buffer = Buffer.alloc(0)
  return (at) => {
    if (at < from || at + BLOCK > from + window.length) {
      from = at
      window = source.read(at, Math.min(64 * 1024, end - at))
    }
    if (window.length === 0) return null
    if (at + BLOCK > from + window.length) throw refuse('its archive ends in the middle of a header')
    return window.subarray(at - from, at - from + BLOCK)
  }
}

function entryOf(
  header: Header,
  pax: ReadonlyMap<string, Buffer>,
  mtime: string,
  offset: number,
  sizeBytes: number,
): TarEntry {
  const type = TYPES[header.type]
  if (header.type === 'S' || [...pax.keys()].some((key) => key.startsWith('GNU.sparse.')))
    throw refuse('it holds a sparse file in a form that no engine writes')
  if (type === undefined) throw refuse(`it holds an entry of the unknown type ${JSON.stringify(header.type)}`)
  const name = pax.get('path')?.toString('latin1') ?? header.name
  const linkName = pax.get('linkpath')?.toString('latin1') ?? header.linkName
  if (name.length > LONGEST_NAME_BYTES || linkName.length > LONGEST_NAME_BYTES)
    throw refuse('it holds a path longer than 4096 bytes')
  if (name.includes('\0') || linkName.includes('\0')) throw refuse('it holds a name with a NUL character')
  return {
    // A v7 archive has no type for folders: the name ends in a slash.
    type: type === 'file' && name.endsWith('/') ? 'directory' : type,
    name,
    linkName,
    mode: header.mode,
    uid: paxNumber(pax, 'uid', header.uid),
    gid: paxNumber(pax, 'gid', header.gid),
    mtime,
    major: header.major,
    minor: header.minor,
    sizeBytes,
    offset,
    xattrs: xattrsOf(pax),
  }
}

const NOTHING: ReadonlyMap<string, Buffer> = new Map()

function xattrsOf(pax: ReadonlyMap<string, Buffer>): ReadonlyMap<string, Buffer> {
  if (pax.size === 0) return NOTHING
  const found = new Map<string, Buffer>()
  for (const [key, value] of pax) {
    if (!key.startsWith(XATTR)) continue
    const name = key.slice(XATTR.length)
    // What would tell an overlay file system where to look is the engine's to write, never an image's.
    if (/^(trusted|user)\.overlay\./.test(name)) continue
    found.set(name, value)
  }
  return found
}

/** "LENGTH KEY=VALUE\n", values of any bytes (POSIX.1-2001 pax). */
function* paxRecords(content: Buffer): Generator<[string, Buffer]> {
  let at = 0
  while (at < content.length) {
    const space = content.indexOf(0x20, at)
    const digits = space === -1 ? '' : content.toString('latin1', at, space)
    const length = /^[1-9]\d{0,6}$/.test(digits) ? Number(digits) : 0
    const equals = content.indexOf(0x3d, space)
    const end = at + length
    if (length === 0 || end > content.length || equals === -1 || equals >= end || content[end - 1] !== 0x0a)
      throw refuse('an extended header is malformed')
    yield [content.toString('latin1', space + 1, equals), content.subarray(equals + 1, end - 1)]
    at = end
  }
}

function paxNumber(pax: ReadonlyMap<string, Buffer>, key: string, otherwise: number): number {
  const text = pax.get(key)?.toString('latin1')
  if (text === undefined) return otherwise
  if (!/^\d{1,15}$/.test(text)) throw refuse(`the extended header '${key}' is no number`)
  return Number(text)
}

function paxTime(value: Buffer | undefined): string | null {
  const text = value?.toString('latin1')
  if (text === undefined) return null
  if (!/^-?\d{1,15}(\.\d{1,20})?$/.test(text)) throw refuse("the extended header 'mtime' is no time")
  return text
}

function untilNul(content: Buffer): Buffer {
  const end = content.indexOf(0)
  return end === -1 ? content : content.subarray(0, end)
}
