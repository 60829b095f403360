import fs from 'node:fs'
import type { Change } from '../../../src/cow/change.ts'
import type { Mounted } from './sequence.ts'
import { xattrs } from './kernel-calls.ts'

/** How often each situation was met: an oracle that never meets one proves nothing about it. */
export type Coverage = Map<string, number>

/** What the drawn sequences must lead to, some time in some hundreds of them. */
export const situations = [
  'added',
  'deleted',
  'metadata',
  'modified',
  'replaced',
  'directory replaced by another',
  'file capabilities',
  'whiteout',
  'opaque',
  'redirect',
  'metacopy',
  'escaped xattr',
  'lower whiteout',
  'lower whiteout xattr',
  'lower opaque',
  'lower redirect',
  'lower metacopy',
] as const

export function countChange(coverage: Coverage, change: Change): void {
  count(coverage, change.kind)
  if (change.kind === 'replaced' && change.type === 'directory' && change.was?.type === 'directory') {
    count(coverage, 'directory replaced by another')
  }
  if (change.fileCapabilities) count(coverage, 'file capabilities')
}

export function countMarks(coverage: Coverage, { layer }: Mounted): void {
  const visit = (path: Buffer, prefix: string) => {
    const stat = fs.lstatSync(path)
    if (stat.isCharacterDevice() && stat.rdev === 0) count(coverage, `${prefix}whiteout`)
    for (const [name, value] of xattrs(path)) {
      if (!name.startsWith(layer.xattrPrefix)) continue
      const mark = name.slice(layer.xattrPrefix.length)
      if (mark.startsWith('overlay.')) count(coverage, 'escaped xattr')
      if (mark === 'whiteout') count(coverage, `${prefix}whiteout xattr`)
      if (mark === 'redirect' || mark === 'metacopy') count(coverage, prefix + mark)
      if (mark === 'opaque' && value === '79') count(coverage, `${prefix}opaque`)
    }
    if (!stat.isDirectory()) return
    for (const name of fs.readdirSync(path, { encoding: 'buffer' }))
      visit(Buffer.concat([path, Buffer.from('/'), name]), prefix)
  }
  visit(Buffer.from(layer.upper), '')
  for (const lower of layer.lowers) visit(Buffer.from(lower), 'lower ')
}

function count(coverage: Coverage, situation: string): void {
  coverage.set(situation, (coverage.get(situation) ?? 0) + 1)
}
