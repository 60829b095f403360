import { joinPath, type BytePath } from '../lib/byte-path.ts'
import { accessOf, describeAccess, type Inode, type Person } from './access.ts'
import { offered, type Source } from './check-source.ts'
import { inodeOf } from './handle.ts'
import { identityMaps, rootIsHostRoot } from './id-map.ts'
import { fixCommand, untouchable } from './mend.ts'
import type { Problem, TreeReport } from './mount-report.ts'
import type { Tenant } from './tenant.ts'
import { type Skipped, walkTree } from './tree.ts'

/** How many entries are told one by one. */
const SHOWN = 5
/** Kernel file systems have owners that nobody can change, and no tree worth a walk. */
const KERNEL_TREES = /^\/(proc|sys|dev)(\/|$)/

/** Looks for entries below a source that someone could use without the mapping and cannot use with it. */
export function checkTree(
  tenant: Tenant,
  source: Source,
  entryLimit: number,
): TreeReport & { problems: Problem[] } {
  const skipped: Skipped[] = []
  const problems: Problem[] = []
  let looked = 0
  let lost = 0
  let complete = true
  const { chain } = source
  if (rootIsHostRoot(tenant.maps.uids) || KERNEL_TREES.test(chain.path))
    return { looked, lost, complete, skipped, problems }
  for (const { path, fd, stat } of walkTree(chain.fd, (one) => skipped.length < 1000 && skipped.push(one))) {
    // The source itself has a check of its own.
    if (path === '/' || stat.isSymbolicLink()) continue
    if (looked === entryLimit) {
      complete = false
      break
    }
    looked++
    const inode = inodeOf(fd, stat)
    const loss = lossOf(tenant, inode, offered(source.mount))
    if (loss === null) continue
    lost++
    const place = below(chain.path, path)
    if (problems.length < SHOWN) problems.push(treeProblem(tenant, place, inode, loss))
  }
  return { looked, lost, complete, skipped, problems }
}

interface Loss {
  readonly person: Person
  readonly bits: number
}

function lossOf({ people, maps }: Tenant, inode: Inode, mask: number): Loss | null {
  for (const person of people) {
    const bits = accessOf(person, identityMaps, inode) & mask & ~accessOf(person, maps, inode)
    if (bits !== 0) return { person, bits }
  }
  return null
}

function treeProblem(tenant: Tenant, path: BytePath, inode: Inode, { person, bits }: Loss): Problem {
  return {
    kind: 'tree',
    path,
    person: person.name,
    lacks: describeAccess(bits),
    why: `it belongs to ${inode.uid}:${inode.gid}, which is nobody in ${tenant.name}`,
    mend: untouchable(path, inode.mode) === null ? fixCommand(tenant.name) : null,
  }
}

/** A path below a source as a path of the host. */
export function below(source: BytePath, path: BytePath): BytePath {
  return path === '/' ? source : joinPath(source, path.slice(1))
}
