import type { BytePath } from '../lib/byte-path.ts'
import type { Change } from './change.ts'
import { type Difference, visibleNames } from './compare.ts'
import { isEngineMade } from './engine-made.ts'
import type { Found } from './look-up.ts'
import type { OpenLayer } from './open-layer.ts'

/**
 * What became of a path, of what is there now and what was.
 * @param difference null where only one of the two is there
 * @returns null where there is neither, or where the engine made it and nothing is in it
 */
export function changeOf(
  open: OpenLayer,
  path: BytePath,
  now: Found | null,
  was: Found | null,
  difference: Difference | null,
): Change | null {
  const there = now ?? was
  if (there === null || (was === null && isEngineMade(open, path, there))) return null
  return {
    path,
    kind: difference?.kind ?? (now === null ? 'deleted' : 'added'),
    type: there.entry.type,
    now: now?.entry ?? null,
    was: was?.entry ?? null,
    xattrs: difference?.xattrs ?? (now === null ? [] : visibleNames(open, now)),
    fileCapabilities: now?.xattrs.includes('security.capability') ?? false,
  }
}
