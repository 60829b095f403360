import { pathOf, resolve } from '../image-tree.ts'
import type { Package } from '../packages.ts'
import { PROGRAM_FOLDERS, PROGRAM_PLACES } from '../places.ts'
import { keepMentioned } from '../scripts.ts'
import { removable, type Rule, type Subject } from './rule.ts'

/** Read by others than the package's own programs. */
const SHARED_DATA =
  /^\/usr\/(lib\/locale|share\/(zoneinfo|ca-certificates|terminfo)|lib\/(os-release|ssl|terminfo))(\/|$)/
const PRIVATE_DATA = /^(\/usr)?\/(lib|lib64|share|libexec)\/./
/** Right in a folder of the loader: for others too. Those in folders below are plug-ins. */
const SHARED_LIBRARY = /^(\/usr)?\/lib(64|32)?(\/[a-z0-9_]+-linux-(gnu|musl)[a-z0-9]*)?\/[^/]+\.so[^/]*$/

export const rule: Rule = {
  id: 'base-programs',
  title: 'programs of the distribution’s base that nothing names',
  reason:
    'they came with the distribution, and neither the service nor anything else in the image mentions them',
  byDefault: true,
  *plan(subject) {
    const { root, keep, packages } = subject
    keepMentioned(subject)
    const idle = packages.packages.filter((item) => isIdle(item, subject))
    for (const folder of PROGRAM_FOLDERS) {
      const { node } = resolve(root, folder, { last: false })
      for (const child of node?.children() ?? []) if (packages.isBase(child)) yield* removable(child, keep)
    }
    for (const { files } of idle) {
      for (const file of files) {
        if (!PRIVATE_DATA.test(file) || SHARED_DATA.test(file)) continue
        const { node } = resolve(root, file, { last: false })
        if (node === null || node.inode.type === 'directory' || keep.has(node)) continue
        if (!SHARED_LIBRARY.test(pathOf(node))) yield { do: 'remove', node }
      }
    }
  },
}

/** A package of the base that has programs, none of which stays. */
function isIdle({ isBase, files }: Package, { root, keep }: Subject): boolean {
  if (!isBase) return false
  const programs = files.filter((file) => PROGRAM_PLACES.test(file))
  if (programs.length === 0) return false
  return !programs.some((file) => {
    const { node } = resolve(root, file, { last: false })
    return node !== null && keep.has(node)
  })
}
