import { readlinkSync, type BigIntStats } from 'node:fs'
import { withReadable } from '../../lib/libc/event-file.ts'
import { readPath } from '../../lib/libc/files.ts'
import { allocate } from '../../lib/libc/library.ts'
import type { Leases } from '../../lib/libc/lease.ts'
import { readMounts } from '../mounts.ts'
import { readProcFile } from '../process-info.ts'
import { isDynamicLoader } from './elf-loader.ts'
import { identify } from './identity.ts'
import type { ContainerView } from './mark-container.ts'
import type { MarkedMount, ProgramOrigin } from './messages.ts'

/** What a look at a held `execve` found. */
export type Judgement =
  | { readonly kind: 'known'; readonly leased: readonly number[]; readonly isLoader: boolean }
  | { readonly kind: 'unknown'; readonly from: ProgramOrigin; readonly why: string; readonly path: string }

/** Judges one program; a generator that yields while a large file is compared. Whether policy allows it is not its question. */
export function* judgeExec(
  view: ContainerView,
  mount: MarkedMount | null,
  fd: number,
  stat: BigIntStats,
  leases: Leases,
): Generator<undefined, Judgement> {
  const path = pathOf(fd)?.slice(view.prefix.length) ?? null
  if (path === null) return { kind: 'unknown', from: 'unknown', why: 'its path is too long', path: '' }
  if (stat.nlink === 0n) return { kind: 'unknown', from: 'deleted', why: 'not in the image', path }
  if (mount?.origin === 'image') return { kind: 'known', leased: [], isLoader: false }
  if (mount !== null && mount.origin !== 'layer')
    return { kind: 'unknown', from: mount.origin, why: 'not in the image', path }
  const identity = yield* identify(view, fd, stat, path, leases)
  if (!identity.known) return { kind: 'unknown', from: 'layer', why: identity.why, path }
  return { kind: 'known', leased: identity.leased, isLoader: withReadable(fd, isDynamicLoader) }
}

/** latin1; null where it is longer than the kernel tells. */
export function pathOf(fd: number): string | null {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`, 'latin1')
  } catch {
    return null
  }
}

const STACK_TRIES = 200
const STACK_PAUSE_MS = 0.1
const STARTS_ANOTHER = Buffer.from('load_elf_binary')
const stack = allocate(4096)
const pause = new Int32Array(new SharedArrayBuffer(4))

/**
 * Whether the thread is just now starting another program, for which the kernel itself opens this file as interpreter. The
 * kernel's own stack says so: inside `load_elf_binary`. As long as the thread has not gone to sleep the kernel shows
 * an empty stack; one that stays empty says nothing, and so not that.
 */
export function isInterpreterOfAnother(proc: string, thread: number): boolean {
  for (let tries = 0; tries < STACK_TRIES; tries++) {
    const length = readPath(`${proc}/${thread}/stack`, stack)
    if (length > 0) return stack.bytes.subarray(0, length).includes(STARTS_ANOTHER)
    Atomics.wait(pause, 0, 0, STACK_PAUSE_MS)
  }
  return false
}

/** The mount that an open file was reached by: `/proc/self/fdinfo` has its id. */
export function mountIdOf(fd: number): number {
  const found = /^mnt_id:\t(\d+)/m.exec(readProcFile(`/proc/self/fdinfo/${fd}`) ?? '')
  return found === null ? -1 : Number(found[1])
}

/** "0:38" of the file system that a mount of the thread's own namespace shows. */
export function deviceOfMount(proc: string, thread: number, mountId: number): string | null {
  try {
    return readMounts(proc, thread).find((mount) => mount.id === mountId)?.device ?? null
  } catch {
    return null
  }
}
