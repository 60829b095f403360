import { readContent } from './image-tree.ts'
import type { Inode } from './inodes.ts'

/** What the dynamic loader is told by a program or library (System V ABI, elf.h). Names are bytes as latin1. */
export interface Elf {
  readonly interpreter: string | null
  readonly needed: readonly string[]
  readonly rpath: readonly string[]
  readonly runpath: readonly string[]
}

const MAGIC = 0x464c457f
const PT_LOAD = 1
const PT_DYNAMIC = 2
const PT_INTERP = 3
const DT = { needed: 1, stringTable: 5, rpath: 15, runpath: 29 } as const
const MOST_HEADERS = 512
const MOST_DYNAMIC_BYTES = 64 * 1024
const LONGEST_STRING_BYTES = 4096

interface Segment {
  readonly type: number
  readonly offset: number
  readonly address: number
  readonly sizeBytes: number
}

export function isElf(inode: Inode): boolean {
  const head = readContent(inode, 4)
  return head.length === 4 && head.readUInt32LE(0) === MAGIC
}

/** @returns null for what is no ELF file, or one so malformed that no loader takes it */
export function readElf(inode: Inode): Elf | null {
  const head = readContent(inode, 64)
  if (head.length < 52 || head.readUInt32LE(0) !== MAGIC || head[5] !== 1) return null
  const is64 = head[4] === 2
  if (is64 && head.length < 64) return null
  const at = (offset64: number, offset32: number) =>
    is64 ? Number(head.readBigUInt64LE(offset64)) : head.readUInt32LE(offset32)
  const entrySize = head.readUInt16LE(is64 ? 54 : 42)
  const count = head.readUInt16LE(is64 ? 56 : 44)
  if (count > MOST_HEADERS || entrySize < (is64 ? 56 : 32)) return null
  const table = readContent(inode, entrySize * count, at(32, 28))
  if (table.length < entrySize * count) return null
  const segments = Array.from({ length: count }, (_, index) => segment(table, index * entrySize, is64))
  const interpreter = segments.find(({ type }) => type === PT_INTERP)
  return {
    interpreter:
      interpreter === undefined
        ? null
        : text(readContent(inode, Math.min(interpreter.sizeBytes, 4096), interpreter.offset)),
    ...dynamic(inode, segments, is64),
  }
}

function segment(table: Buffer, at: number, is64: boolean): Segment {
  const number = (offset64: number, offset32: number) =>
    is64 ? Number(table.readBigUInt64LE(at + offset64)) : table.readUInt32LE(at + offset32)
  return {
    type: table.readUInt32LE(at),
    offset: number(8, 4),
    address: number(16, 8),
    sizeBytes: number(32, 16),
  }
}

function dynamic(inode: Inode, segments: readonly Segment[], is64: boolean): Omit<Elf, 'interpreter'> {
  const part = segments.find(({ type }) => type === PT_DYNAMIC)
  const none = { needed: [], rpath: [], runpath: [] }
  if (part === undefined) return none
  const bytes = readContent(inode, Math.min(part.sizeBytes, MOST_DYNAMIC_BYTES), part.offset)
  const word = is64 ? 8 : 4
  const read = (at: number) => (is64 ? Number(bytes.readBigUInt64LE(at)) : bytes.readUInt32LE(at))
  const entries: [tag: number, value: number][] = []
  for (let at = 0; at + 2 * word <= bytes.length && read(at) !== 0; at += 2 * word)
    entries.push([read(at), read(at + word)])
  const address = entries.find(([tag]) => tag === DT.stringTable)?.[1]
  const load = segments.find(
    ({ type, address: from, sizeBytes }) =>
      type === PT_LOAD && address !== undefined && address >= from && address < from + sizeBytes,
  )
  if (address === undefined || load === undefined) return none
  const strings = load.offset + address - load.address
  const named = (wanted: number) =>
    entries
      .filter(([tag]) => tag === wanted)
      .map(([, offset]) => text(readContent(inode, LONGEST_STRING_BYTES, strings + offset)))
  const folders = (wanted: number) =>
    named(wanted)
      .flatMap((list) => list.split(':'))
      .filter((folder) => folder !== '')
  return { needed: named(DT.needed), rpath: folders(DT.rpath), runpath: folders(DT.runpath) }
}

function text(bytes: Buffer): string {
  const end = bytes.indexOf(0)
  return bytes.toString('latin1', 0, end === -1 ? bytes.length : end)
}
