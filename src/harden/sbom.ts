import { createHash } from 'node:crypto'
import { resolve, type TreeNode } from './image-tree.ts'
import type { Package, PackageList } from './packages.ts'

/** The part of CycloneDX 1.5 (cyclonedx.org) that Paddock writes. */
export interface Bom {
  readonly bomFormat: 'CycloneDX'
  readonly specVersion: '1.5'
  readonly serialNumber: string
  readonly version: 1
  readonly metadata: {
    readonly tools: {
      readonly components: readonly {
        readonly type: 'application'
        readonly name: string
        readonly version: string
      }[]
    }
    readonly component: { readonly type: 'container'; readonly 'bom-ref': string; readonly name: string }
  }
  readonly components: readonly Component[]
}

interface Component {
  readonly type: 'library' | 'operating-system'
  readonly 'bom-ref': string
  readonly name: string
  readonly version: string
  readonly purl?: string
  readonly licenses?: readonly { readonly license: { readonly name: string } }[]
}

/** Says nothing of a package being there: its changelog, its manual, its record in the database. */
const NO_PART = /^\/usr\/share\/(doc|man|info|lintian|locale)\/|^\/var\/lib\/dpkg\//

/**
 * The packages of which something is left. The same image gives the same document: its serial number is made of what it says.
 * @param root the tree as it is after hardening
 * @param packages what the database said before
 */
export function sbomOf(root: TreeNode, packages: PackageList, image: string, paddockVersion: string): Bom {
  const left = packages.packages.filter((item) => isLeft(root, item))
  const system: Component[] =
    packages.release === '' && packages.kind === null
      ? []
      : [
          {
            type: 'operating-system',
            'bom-ref': 'os',
            name: packages.distribution,
            version: packages.release,
          },
        ]
  const components = [...system, ...left.map((item) => component(item, packages))]
  const body = {
    metadata: {
      tools: { components: [{ type: 'application' as const, name: 'paddock', version: paddockVersion }] },
      component: { type: 'container' as const, 'bom-ref': 'image', name: image },
    },
    components,
  }
  const digest = createHash('sha256').update(JSON.stringify(body)).digest('hex')
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    serialNumber: `urn:uuid:${uuid(digest)}`,
    version: 1,
    ...body,
  }
}

function isLeft(root: TreeNode, { files }: Package): boolean {
  return files.some((file) => {
    if (NO_PART.test(file)) return false
    const { node } = resolve(root, file, { last: false })
    return node !== null && node.inode.type !== 'directory'
  })
}

function component(item: Package, { kind, distribution, release }: PackageList): Component {
  const { name, version, architecture, license } = item
  const q = encodeURIComponent
  const distro = release === '' ? distribution : `${distribution}-${release}`
  const purl = `pkg:${kind ?? 'generic'}/${q(distribution)}/${q(name)}@${q(version)}?arch=${q(architecture)}&distro=${q(distro)}`
  return {
    type: 'library',
    'bom-ref': purl,
    name,
    version,
    purl,
    ...(license === null ? {} : { licenses: [{ license: { name: license } }] }),
  }
}

/** Version 5 by form: made of a hash. */
function uuid(hex: string): string {
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `5${hex.slice(13, 16)}`,
    `a${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-')
}
