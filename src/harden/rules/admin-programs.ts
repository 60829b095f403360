import { resolve } from '../image-tree.ts'
import { removable, type Rule } from './rule.ts'

export const rule: Rule = {
  id: 'admin-programs',
  title: 'programs for administrators, in sbin',
  reason: 'a container is administered from outside; what the service starts from sbin is kept',
  byDefault: true,
  *plan({ root, keep, packages }) {
    for (const path of ['/sbin', '/usr/sbin', '/usr/local/sbin']) {
      const { node } = resolve(root, path, { last: false })
      for (const child of node?.children() ?? []) {
        // A package that was installed on purpose brought its daemon here.
        if (!packages.isOnPurpose(child)) yield* removable(child, keep)
      }
    }
  },
}
