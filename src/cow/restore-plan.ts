import { type BytePath, pathText } from '../lib/byte-path.ts'
import type { Change } from './change.ts'

/** What is done to one path; all of it is told before any of it is done. */
export interface RestoreStep {
  /**
   * `remove`: it is not in the image. `recreate`: made anew from the image, then put in the place of what is there, so
   * that who holds that open does not reach it. `metadata`: owner, mode and xattrs are set on a folder.
   */
  readonly act: 'remove' | 'recreate' | 'metadata'
  readonly change: Change
  /** What a person should know of it; null where there is nothing to say. */
  readonly note: string | null
}

export interface RestorePlan {
  readonly steps: readonly RestoreStep[]
  /** With any at all, nothing is done. */
  readonly refused: readonly { readonly path: BytePath; readonly why: string }[]
}

/**
 * Decides how changes are taken back. Pure.
 * @param changes in any order
 * @param mountPoints where in the container other filesystems are mounted
 */
export function planRestore(changes: readonly Change[], mountPoints: readonly BytePath[]): RestorePlan {
  const judged = changes.map((change) => ({ change, why: refusal(change, mountPoints) }))
  const steps = judged.filter(({ why }) => why === null).map(({ change }) => stepFor(change))
  return {
    steps: outermostRemovals(steps).sort(inOrder),
    refused: judged.flatMap(({ change, why }) => (why === null ? [] : [{ path: change.path, why }])),
  }
}

function refusal({ path, kind, was }: Change, mountPoints: readonly BytePath[]): string | null {
  for (const point of mountPoints) {
    if (point === path) return 'a volume or bind mount lies over it'
    if (isWithin(path, point))
      return `it cannot be reached behind the volume or bind mount on ${pathText(point)}`
    if (was === null && isWithin(point, path))
      return `a volume or bind mount lies in it, on ${pathText(point)}`
  }
  if (was?.type === 'directory' && (kind === 'deleted' || kind === 'replaced')) return REMOVED_FOLDER
  return null
}

// mkdir over a whiteout sets overlay.opaque, and rename of a merged folder fails (kernel: fs/overlayfs/dir.c).
const REMOVED_FOLDER =
  'a folder of the image that was removed once stays marked so in the layer directory, whatever is put there: only a new container has it back'

function stepFor(change: Change): RestoreStep {
  const { was } = change
  if (was === null) return { act: 'remove', change, note: null }
  if (change.kind === 'metadata' && was.type === 'directory') return { act: 'metadata', change, note: null }
  const others = was.type === 'file' && was.links > 1 ? was.links - 1 : 0
  const note =
    others === 0
      ? null
      : `in the image it shares its content with ${others} other ${others === 1 ? 'name' : 'names'}; it becomes a file of its own`
  return { act: 'recreate', change, note }
}

/** A folder that is removed takes with it what is in it. */
function outermostRemovals(steps: readonly RestoreStep[]): RestoreStep[] {
  const removed = new Set(steps.filter(({ act }) => act === 'remove').map(({ change }) => change.path))
  return steps.filter(
    ({ act, change }) => act !== 'remove' || !ancestors(change.path).some((path) => removed.has(path)),
  )
}

function ancestors(path: BytePath): BytePath[] {
  const found: BytePath[] = []
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1))
    found.push(path.slice(0, end) as BytePath)
  return found
}

const ORDER: readonly RestoreStep['act'][] = ['remove', 'recreate', 'metadata']

function inOrder(a: RestoreStep, b: RestoreStep): number {
  const byAct = ORDER.indexOf(a.act) - ORDER.indexOf(b.act)
  if (byAct !== 0) return byAct
  return a.change.path < b.change.path ? -1 : 1
}

/** Whether `path` is `folder` or lies below it. */
export function isWithin(path: BytePath, folder: BytePath): boolean {
  return folder === '/' || path === folder || path.startsWith(`${folder}/`)
}
