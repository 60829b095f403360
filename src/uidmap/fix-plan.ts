import type { BigIntStats } from 'node:fs'
import { type BytePath, pathText } from '../lib/byte-path.ts'
import { EXECUTE } from './access.ts'
import { openChain } from './chain.ts'
import { chainProblems, type Source } from './check-source.ts'
import { below } from './check-tree.ts'
import { type EntryState, sameState, stateOf } from './entry-state.ts'
import { grantedState, ownedState, withGrants } from './fix-state.ts'
import { inodeOf, statOf } from './handle.ts'
import { toHost } from './id-map.ts'
import { specialFile, untouchable } from './mend.ts'
import type { MountReport } from './mount-report.ts'
import type { Obstacle } from './obstacle.ts'
import type { Tenant } from './tenant.ts'
import { type Skipped, walkTree } from './tree.ts'

/** One entry that is to change, and exactly how. */
export interface EntryChange {
  /** Where the walk to it begins: a mount's source, or a folder above one. */
  readonly root: BytePath
  /** From there; "/" is the root itself. */
  readonly path: BytePath
  readonly device: bigint
  readonly inode: bigint
  /** How many names it has; of no meaning for a folder. */
  readonly links: bigint
  readonly before: EntryState
  readonly after: EntryState
}

export interface FixPlan {
  readonly changes: readonly EntryChange[]
  /** Why nothing may be changed at all. */
  readonly obstacles: readonly Obstacle[]
  /** What is left as it is. Paths on the host. */
  readonly skipped: readonly Skipped[]
}

export type FixMode = 'owner' | 'acl'

/** More than this is not planned in memory; a tree of that size is moved with care, not by the way. */
const MOST_CHANGES = 1_000_000

interface Draft {
  readonly changes: EntryChange[]
  readonly obstacles: Obstacle[]
  readonly skipped: Skipped[]
}

/** What it takes so that everyone in the container can use those mounts that had problems. Reads only. */
export function planFix(tenant: Tenant, reports: readonly MountReport[], mode: FixMode): FixPlan {
  const draft: Draft = { changes: [], obstacles: [], skipped: [] }
  for (const { mount, problems } of reports) {
    if (problems.length === 0 || problems.some(({ kind }) => kind === 'path')) continue
    using chain = openChain(mount.source)
    const source: Source = { mount, chain, inode: inodeOf(chain.fd) }
    for (const { path } of chainProblems(tenant, chain)) draft.changes.push(...passage(tenant, path))
    if (!problems.some(({ kind }) => kind === 'source' || kind === 'tree')) continue
    const why = untouchable(chain.path, source.inode.mode)
    if (why === null) planTree(tenant, source, mode, draft)
    else draft.skipped.push({ path: chain.path, why: `never given to a container: ${why}` })
  }
  return { ...draft, changes: onceEach(draft.changes) }
}

/** Two mounts may share a folder above them, or one lie in the other; a file may have two names. */
function onceEach(changes: readonly EntryChange[]): EntryChange[] {
  const seen = new Set<string>()
  return changes.filter(({ device, inode }) => {
    const before = seen.size
    return seen.add(`${device}:${inode}`).size > before
  })
}

/** `x` for the container's root on a folder above a mount, by ACL: nobody else gains anything. */
function passage({ maps }: Tenant, path: BytePath): EntryChange[] {
  using chain = openChain(pathText(path))
  const hostRoot = toHost(maps.uids, 0)
  if (hostRoot === null) return []
  const stat = statOf(chain.fd)
  const before = stateOf(chain.fd, stat)
  const after = withGrants(before, [[hostRoot, EXECUTE]], false)
  return [
    {
      root: path,
      path: '/' as BytePath,
      device: stat.dev,
      inode: stat.ino,
      links: stat.nlink,
      before,
      after,
    },
  ]
}

function planTree(tenant: Tenant, source: Source, mode: FixMode, draft: Draft): void {
  const root = source.chain.path
  const change = mode === 'owner' ? ownedState : grantedState
  const links = new Map<string, Links>()
  const skipped = (one: Skipped) => draft.skipped.push({ ...one, path: below(root, one.path) })
  for (const { path, fd, stat } of walkTree(source.chain.fd, skipped)) {
    const before = stateOf(fd, stat)
    const after = change(tenant, source, path === '/', before)
    if (sameState(before, after)) continue
    const why = specialFile(before.mode)
    if (why !== null) {
      skipped({ path, why })
      continue
    }
    if (draft.changes.length === MOST_CHANGES) {
      const problem = `cannot fix ${pathText(root)}: more than ${MOST_CHANGES} entries would change`
      draft.obstacles.push({ problem, hint: 'mount the folders below it one by one, and fix each' })
      return
    }
    countLinks(links, path, stat)
    draft.changes.push({ root, path, device: stat.dev, inode: stat.ino, links: stat.nlink, before, after })
  }
  draft.obstacles.push(...linksOutside(root, links))
}

/** How many names a file has, and how many of them were met. */
interface Links {
  readonly path: BytePath
  readonly all: bigint
  seen: bigint
}

function countLinks(links: Map<string, Links>, path: BytePath, stat: BigIntStats): void {
  if (stat.isDirectory() || stat.nlink < 2n) return
  const key = `${stat.dev}:${stat.ino}`
  const known = links.get(key)
  if (known === undefined) links.set(key, { path, all: stat.nlink, seen: 1n })
  else known.seen++
}

function linksOutside(root: BytePath, links: ReadonlyMap<string, Links>): Obstacle[] {
  return [...links.values()]
    .filter(({ all, seen }) => seen < all)
    .map(({ path, all, seen }) => ({
      problem: `cannot fix ${pathText(root)}: ${pathText(below(root, path))} has ${all} names, and only ${seen} of them in this tree: the change would reach out of it`,
      hint: "find the others with 'find / -xdev -samefile FILE', and put a copy in the place of the link",
    }))
}
