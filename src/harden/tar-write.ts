import type { EntryType } from './tar-read.ts'
import { BLOCK, checksum } from './tar-header.ts'

export interface OutgoingEntry {
  readonly type: EntryType
  /** Bytes as latin1; a folder's ends in "/". */
  readonly name: string
  readonly linkName: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtime: string
  readonly major: number
  readonly minor: number
  readonly sizeBytes: number
  readonly xattrs: ReadonlyMap<string, Buffer>
}

const FLAGS: Readonly<Record<EntryType, string>> = {
  file: '0',
  'hard-link': '1',
  symlink: '2',
  'character-device': '3',
  'block-device': '4',
  directory: '5',
  fifo: '6',
}

/** Two blocks of zeros. */
export const END = Buffer.alloc(2 * BLOCK)

/** The header of one entry, with a PAX header before it where ustar cannot say it: always the same bytes for the same entry. */
export function tarHeader(entry: OutgoingEntry): Buffer {
  const pax = paxOf(entry)
  const header = block(entry, FLAGS[entry.type], entry.sizeBytes)
  if (pax.length === 0) return header
  const content = Buffer.concat(pax)
  // Its own name is looked at by nobody; the rest must not depend on anything but the entry.
  const plain = {
    ...entry,
    name: 'pax',
    linkName: '',
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: '0',
    major: 0,
    minor: 0,
  }
  return Buffer.concat([block(plain, 'x', content.length), content, padding(content.length), header])
}

/** What fills the last block of a content. */
export function padding(sizeBytes: number): Buffer {
  return Buffer.alloc((BLOCK - (sizeBytes % BLOCK)) % BLOCK)
}

const LARGEST_OCTAL = 0o77777777777
const LARGEST_ID = 0o7777777

function paxOf(entry: OutgoingEntry): Buffer[] {
  const records: Buffer[] = []
  const add = (key: string, value: Buffer) => records.push(record(key, value))
  const latin = (text: string) => Buffer.from(text, 'latin1')
  if (needsPax(entry.name)) add('path', latin(entry.name))
  if (needsPax(entry.linkName)) add('linkpath', latin(entry.linkName))
  if (entry.sizeBytes > LARGEST_OCTAL) add('size', latin(String(entry.sizeBytes)))
  if (entry.uid > LARGEST_ID) add('uid', latin(String(entry.uid)))
  if (entry.gid > LARGEST_ID) add('gid', latin(String(entry.gid)))
  if (!/^\d{1,11}$/.test(entry.mtime)) add('mtime', latin(entry.mtime))
  for (const name of [...entry.xattrs.keys()].sort())
    add(`SCHILY.xattr.${name}`, entry.xattrs.get(name) ?? Buffer.alloc(0))
  return records
}

function needsPax(name: string): boolean {
  return name.length > 100 || /[^\x20-\x7e]/.test(name)
}

/** The length at its front counts itself. */
function record(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`, 'latin1'), value, Buffer.from('\n')])
  let length = rest.length + 1
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length
  return Buffer.concat([Buffer.from(String(length)), rest])
}

function block(entry: OutgoingEntry, flag: string, sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(BLOCK)
  const octal = (value: number, at: number, length: number) =>
    bytes.write(value.toString(8).padStart(length - 1, '0'), at, length - 1, 'latin1')
  bytes.write(entry.name.slice(0, 100), 0, 'latin1')
  octal(entry.mode, 100, 8)
  octal(entry.uid > LARGEST_ID ? 0 : entry.uid, 108, 8)
  octal(entry.gid > LARGEST_ID ? 0 : entry.gid, 116, 8)
  octal(sizeBytes > LARGEST_OCTAL ? 0 : sizeBytes, 124, 12)
  octal(Math.max(0, Math.min(LARGEST_OCTAL, Math.floor(Number(entry.mtime)))), 136, 12)
  bytes.write(flag, 156, 'latin1')
  bytes.write(entry.linkName.slice(0, 100), 157, 'latin1')
  bytes.write('ustar\u000000', 257, 'latin1')
  octal(entry.major, 329, 8)
  octal(entry.minor, 337, 8)
  bytes.write(`${checksum(bytes).toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return bytes
}
