import type { Mount } from '../engine/reader.ts'
import { bytePathFromText } from '../lib/byte-path.ts'
import { UserError } from '../lib/errors.ts'
import { openChain } from './chain.ts'
import { chainProblems, labelProblem, peopleAt, sourceProblem, userProblem } from './check-source.ts'
import { checkTree } from './check-tree.ts'
import { inodeOf } from './handle.ts'
import type { MountReport } from './mount-report.ts'
import { isEnforcing } from './selinux.ts'
import type { Tenant } from './tenant.ts'

export interface CheckOptions {
  /** How many entries of a tree are looked at. */
  readonly entryLimit: number
  /** "/sys/fs/selinux" */
  readonly selinuxfs: string
}

export const checkDefaults: CheckOptions = { entryLimit: 200_000, selinuxfs: '/sys/fs/selinux' }

/** Looks at every bind mount and volume of a container: can those who live in it use it? Reads only. */
export function checkTenant(tenant: Tenant, options: CheckOptions = checkDefaults): MountReport[] {
  return tenant.mounts
    .filter(({ type, source }) => (type === 'bind' || type === 'volume') && source !== '')
    .map((mount) => checkMount(tenant, mount, options))
}

function checkMount(tenant: Tenant, mount: Mount, options: CheckOptions): MountReport {
  const nothing = { mount, people: [], problems: [], looked: 0, lost: 0, complete: true, skipped: [] }
  try {
    using chain = openChain(mount.source)
    const source = { mount, chain, inode: inodeOf(chain.fd) }
    const people = peopleAt(tenant, source.inode)
    const tree = checkTree(tenant, source, options.entryLimit)
    const problems = [
      ...people.flatMap((one) => userProblem(one, source)),
      ...chainProblems(tenant, chain),
      ...people.flatMap((one) => sourceProblem(tenant, source, one)),
      ...labelProblem(tenant, source, isEnforcing(options.selinuxfs)),
      ...tree.problems,
    ]
    return { ...nothing, ...tree, people, problems }
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    const path = bytePathFromText(mount.source)
    const why = error.message
    return { ...nothing, problems: [{ kind: 'path', path, person: null, lacks: '', why, mend: null }] }
  }
}
