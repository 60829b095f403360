import type { Change } from '../cow/change.ts'
import { compileGlob } from './glob.ts'
import { compileTree, type MatchTree } from './match-tree.ts'
import type { Severity } from './policy.ts'
import { reasonsByPath, type PathReason, type When } from './reasons-by-path.ts'
import { type Content, type Reason, reasonsByKind } from './reasons.ts'

export interface Assessment {
  readonly severity: Severity
  /** Ids of `reasons`, worst first. */
  readonly reasons: readonly string[]
}

/** From best to worst. */
export const severities: readonly Severity[] = ['info', 'low', 'medium', 'high', 'critical']

/** Every reason by its id: what stands in JSON and in alerts. */
export const reasons: ReadonlyMap<string, Reason> = new Map(
  [...reasonsByKind, ...reasonsByPath].map((reason) => [reason.id, reason]),
)

/**
 * How bad a change is that policy does not expect, and why. Pure, and cheap enough for 200,000 in a scan.
 * @param content what is known of the file beside the change; what is not known is never held against it
 */
export function assess(change: Change, content: Content = {}): Assessment {
  let found: Reason[] | null = null
  for (const reason of reasonsByKind) if (reason.applies(change, content)) (found ??= []).push(reason)
  if (!isOnlyTime(change)) {
    for (const reason of reasonsAt(change)) if (spoken[reason.when](change)) (found ??= []).push(reason)
  }
  if (found === null) return isSlight(change) ? NOTHING_BUT_METADATA : NOTHING_SPECIAL
  found.sort((a, b) => severities.indexOf(b.severity) - severities.indexOf(a.severity))
  return { severity: found[0]?.severity ?? 'low', reasons: found.map(({ id }) => id) }
}

const NOTHING_SPECIAL: Assessment = { severity: 'low', reasons: [] }
const NOTHING_BUT_METADATA: Assessment = { severity: 'info', reasons: [] }

const spoken: Readonly<Record<When, (change: Change) => boolean>> = {
  any: () => true,
  written: ({ kind }) => kind !== 'deleted',
  cleared: ({ kind, now, was }) =>
    kind === 'deleted' ||
    (kind === 'replaced' && now?.type !== was?.type) ||
    (kind === 'modified' && now?.sizeBytes === 0 && (was?.sizeBytes ?? 0) > 0),
}

function isOnlyTime({ kind, now, was, xattrs }: Change): boolean {
  if (kind !== 'metadata' || now === null || was === null) return false
  return now.mode === was.mode && now.uid === was.uid && now.gid === was.gid && xattrs.length === 0
}

function isSlight({ kind }: Change): boolean {
  return kind === 'metadata'
}

let compiled: { readonly tree: MatchTree; readonly owner: readonly PathReason[] } | null = null

function reasonsAt(change: Change): readonly PathReason[] {
  compiled ??= compileReasons()
  const { tree, owner } = compiled
  const found = tree.matchesPath(change.path)
  if (found.length === 0) return []
  return [...new Set(found.map((index) => owner[index]).filter((reason) => reason !== undefined))]
}

function compileReasons() {
  const rows = reasonsByPath.flatMap((reason) =>
    reason.globs.map((glob) => ({ reason, glob: compileGlob(glob) })),
  )
  return { tree: compileTree(rows.map(({ glob }) => glob)), owner: rows.map(({ reason }) => reason) }
}
