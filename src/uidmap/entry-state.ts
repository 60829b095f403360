import type { BigIntStats } from 'node:fs'
import { attributeOf, setAttribute } from '../lib/libc/attributes.ts'
import { ACCESS_XATTR, DEFAULT_XATTR } from './acl.ts'
import { setMode, setOwner, statOf } from './handle.ts'

/** All of an entry that a fix may change. Attributes as the kernel gives them; null where there is none. */
export interface EntryState {
  readonly uid: number
  readonly gid: number
  /** With the type bits. */
  readonly mode: number
  readonly acl: Buffer | null
  readonly defaultAcl: Buffer | null
  readonly capability: Buffer | null
}

const CAPABILITY_XATTR = 'security.capability'
const SPECIAL_BITS = 0o6000

export function stateOf(fd: number, stat: BigIntStats = statOf(fd)): EntryState {
  const read = (name: string, has: boolean) => (has ? attributeOf(fd, name) : null)
  return {
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    mode: Number(stat.mode),
    acl: read(ACCESS_XATTR, !stat.isSymbolicLink()),
    defaultAcl: read(DEFAULT_XATTR, stat.isDirectory()),
    capability: read(CAPABILITY_XATTR, stat.isFile()),
  }
}

export function sameState(a: EntryState, b: EntryState): boolean {
  return a.uid === b.uid && a.gid === b.gid && a.mode === b.mode && sameBytes(a, b)
}

/**
 * Whether an entry is somewhere on the way from one state to another, where the power failed in `changeState`: each part
 * is as it was or as it becomes, setuid bits and capabilities may be gone, and an ACL may have set bits of the mode.
 */
export function isBetween(state: EntryState, from: EntryState, to: EntryState): boolean {
  const ends = [from, to]
  const of = (is: (end: EntryState) => boolean) => ends.some(is)
  const plain = (mode: number) => mode & ~SPECIAL_BITS
  return (
    of(({ uid }) => uid === state.uid) &&
    of(({ gid }) => gid === state.gid) &&
    of(({ acl }) => sameAcl(acl, state.acl)) &&
    of(({ defaultAcl }) => sameAcl(defaultAcl, state.defaultAcl)) &&
    (state.capability === null || of(({ capability }) => sameAcl(capability, state.capability))) &&
    (state.mode & SPECIAL_BITS & ~(from.mode | to.mode)) === 0 &&
    (of(({ mode }) => plain(mode) === plain(state.mode)) ||
      (!sameAcl(from.acl, to.acl) && of(({ mode }) => mode >> 12 === state.mode >> 12)))
  )
}

function sameBytes(a: EntryState, b: EntryState): boolean {
  const equal = (one: Buffer | null, other: Buffer | null) =>
    one === null || other === null ? one === other : one.equals(other)
  return equal(a.acl, b.acl) && equal(a.defaultAcl, b.defaultAcl) && equal(a.capability, b.capability)
}

/**
 * Brings an entry from one state to another. Owner first: for a file that takes the setuid bits and the capabilities
 * away (notify_change, fs/attr.c), and there is no moment in which they stand with an owner they were not meant for.
 */
export function changeState(fd: number, from: EntryState, to: EntryState): void {
  const moved = from.uid !== to.uid || from.gid !== to.gid
  if (moved) setOwner(fd, to.uid, to.gid)
  if (!sameAcl(from.acl, to.acl)) setAttribute(fd, ACCESS_XATTR, to.acl)
  if (!sameAcl(from.defaultAcl, to.defaultAcl)) setAttribute(fd, DEFAULT_XATTR, to.defaultAcl)
  // An ACL sets the group's bits of the mode: the mode comes after it, and only where it says something else.
  const isLink = (to.mode & 0o170000) === 0o120000
  if (!isLink && Number(statOf(fd).mode) !== to.mode) setMode(fd, to.mode & 0o7777)
  if (to.capability !== null && (moved || from.capability?.equals(to.capability) !== true))
    setAttribute(fd, CAPABILITY_XATTR, to.capability)
}

function sameAcl(a: Buffer | null, b: Buffer | null): boolean {
  return a === null || b === null ? a === b : a.equals(b)
}

/** Whether running the file gives more than its runner has. */
export function isPrivileged({ mode, capability }: EntryState): boolean {
  return (mode & 0o170000) === 0o100000 && ((mode & SPECIAL_BITS) !== 0 || capability !== null)
}

const VERSION_MASK = 0xff00_0000
const VERSION_2 = 0x0200_0000
const VERSION_3 = 0x0300_0000

/**
 * File capabilities that count inside a user namespace: with the namespace's root in them (capabilities(7), "Namespaced
 * file capabilities"). What has one already, or is of another version, stays.
 */
export function namespacedCapability(value: Buffer | null, hostRoot: number): Buffer | null {
  if (value?.length !== 20) return value
  const magic = value.readUInt32LE(0)
  if ((magic & VERSION_MASK) >>> 0 !== VERSION_2) return value
  const out = Buffer.alloc(24)
  value.copy(out)
  out.writeUInt32LE(((magic & ~VERSION_MASK) | VERSION_3) >>> 0, 0)
  out.writeUInt32LE(hostRoot, 20)
  return out
}
