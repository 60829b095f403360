import { type BytePath, pathText } from '../lib/byte-path.ts'
import { hasCode, UserError } from '../lib/errors.ts'
import { type Chain, openChain } from './chain.ts'
import { below } from './check-tree.ts'
import { changeState, type EntryState, isBetween, isPrivileged, sameState, stateOf } from './entry-state.ts'
import type { FixLog, LoggedFix } from './fix-log.ts'
import type { EntryChange } from './fix-plan.ts'
import { mountIdOf, openEntry, release, statOf } from './handle.ts'
import type { Skipped } from './tree.ts'

export interface FixResult {
  readonly changed: number
  /** What was not changed after all, and why. Paths on the host. */
  readonly skipped: readonly Skipped[]
}

/** What became of one entry: `note` says why it was not changed, or not wholly. */
interface Outcome {
  readonly changed: boolean
  readonly note: string | null
}

const DONE: Outcome = { changed: true, note: null }
const NOTHING_TO_DO: Outcome = { changed: false, note: null }

/**
 * Carries a plan out, entry by entry. Each is opened anew, name by name from its root, and changed only when it is
 * still the very inode in the very state that was planned with: containers write to these trees meanwhile.
 */
export function applyFix(changes: readonly EntryChange[], log: FixLog): FixResult {
  return changeEach(changes, (fd, change, index, state) => {
    if (!sameState(state, change.before)) return CHANGED_BY_OTHERS
    changeState(fd, state, change.after)
    if (isPrivileged(change.after)) log.changed(index, statOf(fd).ctimeNs)
    return DONE
  })
}

/**
 * Takes a fix back by its log, last entry first, also one that was cut off: what it had not come to is as it was, and
 * what it was at when the power failed is somewhere in between. A file that gives more than its runner has gets its setuid bits and
 * capabilities back only when nothing touched it since: the container owned it, and may have written into it.
 */
export function undoFix({ changes }: LoggedFix): FixResult {
  const back = changes
    .toReversed()
    .map((change) => ({ ...change, before: change.after, after: change.before }))
  return changeEach(back, (fd, change, _, state) => {
    if (sameState(state, change.after)) return NOTHING_TO_DO
    if (!isBetween(state, change.before, change.after)) return CHANGED_BY_OTHERS
    const trusted = !isPrivileged(change.after) || statOf(fd).ctimeNs === change.ctimeNs
    changeState(fd, state, trusted ? change.after : harmless(change.after))
    return trusted
      ? DONE
      : { changed: true, note: 'setuid bits or capabilities were not put back: it was touched since the fix' }
  })
}

function harmless(state: EntryState): EntryState {
  return { ...state, mode: state.mode & ~0o6000, capability: null }
}

function changeEach<C extends EntryChange>(
  changes: readonly C[],
  change: (fd: number, one: C, index: number, state: EntryState) => Outcome,
): FixResult {
  using roots = openRoots()
  const skipped: Skipped[] = []
  let changed = 0
  for (const [index, one] of changes.entries()) {
    const outcome = withEntry(roots, one, (fd, state) => change(fd, one, index, state))
    if (outcome.changed) changed++
    if (outcome.note !== null) skipped.push({ path: below(one.root, one.path), why: outcome.note })
  }
  return { changed, skipped }
}

function not(note: string): Outcome {
  return { changed: false, note }
}

const CHANGED_BY_OTHERS = not('others changed its owner or permissions meanwhile')

/** Opens each root once. */
function openRoots() {
  const open = new Map<BytePath, Chain>()
  return {
    of(root: BytePath): Chain {
      const chain = open.get(root) ?? openChain(pathText(root))
      open.set(root, chain)
      return chain
    },
    [Symbol.dispose]: () => {
      for (const chain of open.values()) chain[Symbol.dispose]()
    },
  }
}

function withEntry(
  roots: ReturnType<typeof openRoots>,
  one: EntryChange,
  work: (fd: number, state: EntryState) => Outcome,
): Outcome {
  const open: number[] = []
  try {
    const root = roots.of(one.root).fd
    const mount = mountIdOf(root)
    let fd = root
    // Name by name, following nothing and staying on the mount.
    for (const name of one.path.split('/').filter((part) => part !== '')) {
      fd = openEntry(fd, name as BytePath)
      open.push(fd)
      if (mountIdOf(fd) !== mount) return not('another mount lies in the way by now')
    }
    const stat = statOf(fd)
    if (stat.dev !== one.device || stat.ino !== one.inode) return not('something else lies there by now')
    if (!stat.isDirectory() && stat.nlink !== one.links)
      return not('others changed the number of its names meanwhile')
    return work(fd, stateOf(fd, stat))
  } catch (error) {
    if (error instanceof UserError) return not(error.message)
    if (!hasCode(error, ...EXPECTED)) throw error
    return not(error.message.replace(/, \w+ '.*$/s, ''))
  } finally {
    for (const fd of open) release(fd)
  }
}

/** What a tree that changes, or a file system that lacks something, answers with. */
const EXPECTED = [
  'ENOENT',
  'ENOTDIR',
  'EPERM',
  'EACCES',
  'EROFS',
  'ENOTSUP',
  'EINVAL',
  'EIO',
  'ENOSPC',
  'EDQUOT',
  'ESTALE',
]
