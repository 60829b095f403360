import { pathOf, resolve, type TreeNode } from './image-tree.ts'
import type { Keep } from './keep.ts'
import type { Observed } from './trace.ts'

/**
 * Keeps what a traced run used. Of what the run made itself the folder is kept, so that it can be made again.
 */
export function keepTraced(root: TreeNode, { used, made }: Observed, keep: Keep): void {
  for (const path of used) if (keep.add(path, 'used in the traced run') === null) keepFolder(root, path, keep)
  for (const path of made) keepFolder(root, path, keep)
}

/** The deepest folder on the way that the image has, with links on the way to it. */
function keepFolder(root: TreeNode, path: string, keep: Keep): void {
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    const folder = path.slice(0, end)
    if (resolve(root, folder).node !== null) {
      keep.add(folder, 'where the traced run made something')
      return
    }
  }
}

/** Data that a service may need on another day, though the traced run read little or nothing of it. */
interface Data {
  readonly paths: readonly string[]
  /** Only where the run used something of it. */
  readonly ifUsed: boolean
}

export const USUAL_DATA = {
  certificates: {
    paths: [
      '/etc/ssl',
      '/etc/pki',
      '/usr/lib/ssl',
      '/usr/share/ca-certificates',
      '/usr/local/share/ca-certificates',
    ],
    ifUsed: false,
  },
  'time-zones': { paths: ['/etc/localtime', '/etc/timezone', '/usr/share/zoneinfo'], ifUsed: false },
  // One page was asked for; the others are of the same use.
  'web-content': {
    paths: ['/srv', '/var/www', '/usr/share/nginx/html', '/usr/share/caddy', '/usr/local/apache2/htdocs'],
    ifUsed: true,
  },
} as const satisfies Readonly<Record<string, Data>>

/** Leap-second variants and tables: no service was found that reads them. */
const NO_ZONE = /\/zoneinfo\/(right|posix|.*\.(zi|tab|list)|leapseconds|posixrules)(\/|$)/

/** Keeps whole folders of one kind of data; after `keepTraced`. */
export function keepData(root: TreeNode, kind: keyof typeof USUAL_DATA, keep: Keep): void {
  const { paths, ifUsed } = USUAL_DATA[kind]
  for (const path of paths) {
    const { node } = resolve(root, path, { last: false })
    if (node !== null && (!ifUsed || keep.has(node))) keepBelow(root, node, kind, keep)
  }
}

function keepBelow(root: TreeNode, node: TreeNode, why: string, keep: Keep): void {
  const path = pathOf(node)
  if (NO_ZONE.test(path)) return
  // Certificates that are not installed are linked to all the same.
  if (node.inode.type === 'symlink' && resolve(root, path).node === null) return
  keep.addNode(node, why)
  for (const child of node.children()) keepBelow(root, child, why, keep)
}
