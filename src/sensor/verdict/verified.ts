import { closeSync } from 'node:fs'
import { EVENT, fanotifyMark, MARK } from '../../lib/libc/fanotify.ts'
import type { Leases } from '../../lib/libc/lease.ts'
import type { VerdictSetup } from './messages.ts'
import { type Step, untilNobodyStarts } from './quiet.ts'

/**
 * Programs that were found to be the image's and run unasked from now on, by a kernel ignore mark. What makes that safe is a
 * read lease on each: who opens the file for writing waits in the kernel until the mark is gone and nobody is just
 * starting it. Without it a write through a mapping would go unseen (a `write` clears such a mark, mmap does not).
 * Where a file system gives no leases, the close-after-write event takes the mark away, a moment late.
 */
export interface Verified {
  /** Takes over the descriptors: they stay open as long as the mark stands. */
  add(entry: VerifiedEntry): void
  /** How a verified file is to be treated when the kernel asks all the same; null for one that is not verified. */
  find(device: number, inode: bigint): 'allow' | 'ask-always' | null
  /** What of one container was verified: nothing of it may pin its file system once its init is gone. */
  forget(containerId: string): void
  /** The lease of this descriptor was asked back. */
  dropLease(fd: number): void
  dropAllLeases(): void
  /** A verified file of this identity was written. */
  dropInode(device: number, inode: bigint): void
  dropAll(): void
  /** Gives back leases whose time has come. @returns milliseconds until it wants to be called again; -1 for never */
  proceed(): number
  readonly size: number
}

export interface VerifiedEntry {
  readonly containerId: string
  readonly device: number
  readonly inode: bigint
  /** Of the file in the container; the mark is put through it. */
  readonly fd: number
  /** With leases: the file itself and, for a copied-up one, the file beneath. */
  readonly leased: readonly number[]
  /** Asked each time all the same: a dynamic loader, harmless for a program's start and not when it is run itself. */
  readonly askAlways: boolean
}

interface Closing {
  readonly entries: VerifiedEntry[]
  readonly steps: Generator<Step, void>
}

const LATER_MS = 1

/** @param limits whether the kernel has `FAN_MARK_EVICTABLE`, and how many programs there is room for */
export function createVerified(
  proc: string,
  group: number,
  leases: Leases,
  { evictable, verifiedMaximum }: Pick<VerdictSetup, 'evictable' | 'verifiedMaximum'>,
): Verified {
  const entries = new Map<string, VerifiedEntry>()
  const byLease = new Map<number, string>()
  /** By container: whose lease was asked back, and is given back together. */
  const asked = new Map<string, VerifiedEntry[]>()
  const closing = new Map<string, Closing>()
  /** Leases asked back before what they are for was added: while a large file was still compared. */
  const askedEarly = new Set<number>()
  const key = (device: number, inode: bigint): string => `${device}:${inode}`

  /** Takes the mark away; whoever starts it now is asked about. */
  function unmark(name: string): VerifiedEntry | null {
    const entry = entries.get(name)
    if (entry === undefined) return null
    entries.delete(name)
    fanotifyMark(group, MARK.REMOVE | MARK.IGNORED_MASK, EVENT.OPEN_EXEC_PERM, entry.fd)
    fanotifyMark(group, MARK.REMOVE, EVENT.CLOSE_WRITE, entry.fd)
    for (const fd of entry.leased) byLease.delete(fd)
    return entry
  }

  function release(entry: VerifiedEntry): void {
    for (const fd of entry.leased) {
      leases.release(fd)
      if (fd !== entry.fd) closeSync(fd)
    }
    closeSync(entry.fd)
  }

  function dropSoon(name: string): void {
    const entry = unmark(name)
    if (entry === null) return
    if (entry.leased.length === 0) release(entry)
    else asked.set(entry.containerId, [...(asked.get(entry.containerId) ?? []), entry])
  }

  function drop(name: string): void {
    const entry = unmark(name)
    if (entry !== null) release(entry)
  }

  return {
    add(entry) {
      const name = key(entry.device, entry.inode)
      dropSoon(name)
      if (entries.size >= verifiedMaximum) dropSoon(entries.keys().next().value ?? '')
      const flags = MARK.ADD | (evictable ? MARK.EVICTABLE : 0)
      fanotifyMark(group, flags, EVENT.CLOSE_WRITE, entry.fd)
      if (!entry.askAlways) fanotifyMark(group, flags | MARK.IGNORED_MASK, EVENT.OPEN_EXEC_PERM, entry.fd)
      entries.set(name, entry)
      for (const fd of entry.leased) byLease.set(fd, name)
      if (entry.leased.some((fd) => askedEarly.delete(fd))) dropSoon(name)
    },
    find(device, inode) {
      const entry = entries.get(key(device, inode))
      if (entry === undefined) return null
      if (entry.askAlways) return 'ask-always'
      // Without a lease a write may have been what took the mark away: to be judged anew.
      return entry.leased.length > 0 ? 'allow' : null
    },
    forget(containerId) {
      for (const [name, entry] of entries) if (entry.containerId === containerId) drop(name)
      for (const entry of asked.get(containerId) ?? []) release(entry)
      for (const entry of closing.get(containerId)?.entries ?? []) release(entry)
      asked.delete(containerId)
      closing.delete(containerId)
    },
    dropLease(fd) {
      const name = byLease.get(fd)
      if (name === undefined) askedEarly.add(fd)
      else dropSoon(name)
    },
    dropAllLeases() {
      for (const name of [...entries.keys()]) dropSoon(name)
    },
    dropInode(device, inode) {
      dropSoon(key(device, inode))
    },
    dropAll() {
      for (const name of [...entries.keys()]) drop(name)
    },
    proceed() {
      for (const [containerId, list] of asked) {
        if (closing.has(containerId)) continue
        asked.delete(containerId)
        closing.set(containerId, { entries: list, steps: untilNobodyStarts(proc, containerId) })
      }
      let wait = -1
      for (const [containerId, { entries: list, steps }] of closing) {
        const { value, done } = steps.next()
        if (done !== true) {
          wait = value === 'at once' ? 0 : wait === -1 ? LATER_MS : wait
          continue
        }
        closing.delete(containerId)
        list.forEach(release)
        if (asked.has(containerId)) wait = 0
      }
      return wait
    },
    get size() {
      return entries.size
    },
  }
}
