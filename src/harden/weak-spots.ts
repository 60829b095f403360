import { linesOf } from './accounts.ts'
import type { RuleResult } from './apply.ts'
import type { Census } from './census.ts'
import type { ImageConfig } from './image-config.ts'
import type { TreeNode } from './image-tree.ts'
import type { NamedPrograms } from './entry-programs.ts'

/** Something that hardening left, and why it matters. */
export interface WeakSpot {
  readonly id: string
  /** One sentence. */
  readonly text: string
  /** Paths or names, as text. */
  readonly subjects: readonly string[]
}

/** What is known to be weak in the result, so that nobody takes "hardened" for "safe". */
export function weakSpots(
  root: TreeNode,
  config: ImageConfig,
  after: Census,
  results: readonly RuleResult[],
  healthCheck: NamedPrograms['healthCheck'],
): WeakSpot[] {
  const spots: WeakSpot[] = []
  const add = (id: string, subjects: readonly string[], text: string) => {
    if (subjects.length > 0) spots.push({ id, text, subjects })
  }
  const busybox = after.shells.filter((path) => /\/(busybox|toybox)(\.\w+)?$/.test(path))
  const linksGone = results.flatMap(({ deeds }) => deeds.filter(({ nameOf }) => nameOf !== null))
  add(
    'busybox',
    busybox,
    `all applets are still in the one binary: ${linksGone.length} links to it went, but 'busybox NAME' runs every one of them; ` +
      'what helps is --trace, which leaves busybox only where the service used it, or an exec policy by arguments',
  )
  add(
    'shell',
    after.shells.filter((path) => !busybox.includes(path)),
    'a shell is left: what the service or its health check starts needs it',
  )
  add(
    'interpreter',
    after.interpreters,
    'whoever gets in can write programs in it without bringing a file that must be executed',
  )
  add('network-tool', after.networkTools, 'it fetches or sends what an intruder wants')
  add('package-manager', after.packageManagers, 'it installs what an intruder wants')
  const user = config.user.split(':')[0] ?? ''
  if (user === '' || user === '0' || user === 'root')
    add(
      'root',
      [user === '' ? '(no USER)' : user],
      'the service starts as root: give the image a USER, or drop capabilities and map ids',
    )
  const weak = linesOf(root, '/etc/shadow').filter((line) => !/^[!*]/.test(line.split(':')[1] ?? '!'))
  add(
    'password',
    weak.map((line) => line.split(':')[0] ?? ''),
    'the account has a password, or needs none',
  )
  add(
    'health-check',
    healthCheck.filter(({ path }) => path === null).map(({ name }) => name),
    'the health check asks for a program that was not in the image before hardening either',
  )
  if (after.setuid > 0) add('setuid', [String(after.setuid)], 'files with the setuid or setgid bit are left')
  if (after.worldWritable > 0)
    add(
      'world-writable',
      [String(after.worldWritable)],
      'entries that everybody may write to are left (/tmp and /var/tmp by choice: --with sticky-tmp)',
    )
  return spots
}
