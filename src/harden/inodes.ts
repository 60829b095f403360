import { Records } from './records.ts'
import type { Spool } from './spool.ts'
import type { Texts } from './texts.ts'

const TYPES = ['file', 'directory', 'symlink', 'character-device', 'block-device', 'fifo'] as const
export type NodeType = (typeof TYPES)[number]

/** A regular file's bytes: where they lie, or what a rule wrote in their place. */
export type Content =
  | { readonly spool: Spool; readonly offset: number; readonly sizeBytes: number }
  | { readonly bytes: Buffer; readonly sizeBytes: number }

/** What a layer says of a file. */
export interface InodeFields {
  readonly type: NodeType
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtime: string
  readonly content: { readonly spool: Spool; readonly offset: number; readonly sizeBytes: number } | null
  /** Of a symbolic link, as written; bytes as latin1. */
  readonly target: string
  readonly major: number
  readonly minor: number
  readonly xattrs: ReadonlyMap<string, Buffer>
}

/** Where each lies in a record. */
const UID = 0
const GID = 8
const OFFSET = 16
const SIZE = 24
const MTIME = 32
const TARGET = 36
const XATTRS = 40
const MAJOR = 44
const MINOR = 48
const SPOOL = 52
const MODE = 54
const TYPE = 56
const LINKED = 57
const RECORD_BYTES = 64

/** What hard links share: a view of its record, made when asked for. Two views of one inode have the same id. */
export class Inode {
  readonly #all: Inodes
  readonly id: number

  constructor(all: Inodes, id: number) {
    this.#all = all
    this.id = id
  }

  get type(): NodeType {
    return TYPES[this.#all.view.getUint8(this.id + TYPE)] ?? 'file'
  }

  get mode(): number {
    return this.#all.view.getUint16(this.id + MODE)
  }

  set mode(mode: number) {
    this.#all.view.setUint16(this.id + MODE, mode)
  }

  get uid(): number {
    return this.#all.view.getFloat64(this.id + UID)
  }

  set uid(uid: number) {
    this.#all.view.setFloat64(this.id + UID, uid)
  }

  get gid(): number {
    return this.#all.view.getFloat64(this.id + GID)
  }

  set gid(gid: number) {
    this.#all.view.setFloat64(this.id + GID, gid)
  }

  get mtime(): string {
    return this.#all.texts.get(this.#all.view.getUint32(this.id + MTIME))
  }

  get target(): string {
    return this.#all.texts.get(this.#all.view.getUint32(this.id + TARGET))
  }

  get major(): number {
    return this.#all.view.getUint32(this.id + MAJOR)
  }

  get minor(): number {
    return this.#all.view.getUint32(this.id + MINOR)
  }

  get xattrs(): ReadonlyMap<string, Buffer> {
    return parseXattrs(this.#all.texts.get(this.#all.view.getUint32(this.id + XATTRS)))
  }

  get sizeBytes(): number {
    return this.#all.view.getFloat64(this.id + SIZE)
  }

  get content(): Content | null {
    const bytes = this.#all.written.get(this.id)
    if (bytes !== undefined) return { bytes, sizeBytes: bytes.length }
    const spool = this.#all.spools[this.#all.view.getUint16(this.id + SPOOL) - 1]
    if (spool === undefined) return null
    return { spool, offset: this.#all.view.getFloat64(this.id + OFFSET), sizeBytes: this.sizeBytes }
  }

  write(bytes: Buffer): void {
    this.#all.written.set(this.id, bytes)
    this.#all.view.setFloat64(this.id + SIZE, bytes.length)
  }

  /** Whether it has, or had, more than one name. */
  get isLinked(): boolean {
    return this.#all.view.getUint8(this.id + LINKED) !== 0
  }

  markLinked(): void {
    this.#all.view.setUint8(this.id + LINKED, 1)
  }
}

/** All inodes of one tree. */
export class Inodes {
  readonly texts: Texts
  readonly #records = new Records(RECORD_BYTES)
  readonly view = this.#records.view
  /** `SPOOL` counts from 1. */
  readonly spools: Spool[] = []
  readonly written = new Map<number, Buffer>()

  constructor(texts: Texts) {
    this.texts = texts
  }

  add(fields: InodeFields): Inode {
    const inode = new Inode(this, this.#records.add())
    this.replace(inode, fields)
    return inode
  }

  replace({ id }: Inode, fields: InodeFields): void {
    const { view, texts } = this
    const { content } = fields
    this.written.delete(id)
    view.setUint8(id + TYPE, TYPES.indexOf(fields.type))
    view.setUint16(id + MODE, fields.mode)
    view.setFloat64(id + UID, fields.uid)
    view.setFloat64(id + GID, fields.gid)
    view.setUint32(id + MTIME, texts.addRepeated(fields.mtime))
    view.setUint32(id + TARGET, texts.add(fields.target))
    view.setUint32(id + XATTRS, texts.addRepeated(xattrsText(fields.xattrs)))
    view.setUint32(id + MAJOR, fields.major)
    view.setUint32(id + MINOR, fields.minor)
    view.setUint16(id + SPOOL, content === null ? 0 : this.#placeOf(content.spool))
    view.setFloat64(id + OFFSET, content?.offset ?? 0)
    view.setFloat64(id + SIZE, content?.sizeBytes ?? 0)
  }

  #placeOf(spool: Spool): number {
    const known = this.spools.lastIndexOf(spool)
    return known === -1 ? this.spools.push(spool) : known + 1
  }
}

/** "19:20:security.capability" and the value's bytes behind it. */
function xattrsText(xattrs: ReadonlyMap<string, Buffer>): string {
  let text = ''
  for (const [name, value] of xattrs)
    text += `${name.length}:${value.length}:${name}${value.toString('latin1')}`
  return text
}

function parseXattrs(text: string): ReadonlyMap<string, Buffer> {
  const xattrs = new Map<string, Buffer>()
  for (let at = 0; at < text.length;) {
    const [nameAt, valueAt] = [text.indexOf(':', at), text.indexOf(':', text.indexOf(':', at) + 1)]
    const name = text.slice(valueAt + 1, valueAt + 1 + Number(text.slice(at, nameAt)))
    const start = valueAt + 1 + name.length
    at = start + Number(text.slice(nameAt + 1, valueAt))
    xattrs.set(name, Buffer.from(text.slice(start, at), 'latin1'))
  }
  return xattrs
}
