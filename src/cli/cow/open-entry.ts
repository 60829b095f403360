import type { Layer } from '../../cow/change.ts'
import { openEntry, type OpenEntry, type Side } from '../../cow/look-up-path.ts'
import { unreadableReason } from '../../cow/unreadable.ts'
import { type BytePath, pathText } from '../../lib/byte-path.ts'
import { UserError } from '../../lib/errors.ts'

/**
 * `openEntry`, for a path that a person named.
 * @throws UserError also where the entry cannot be read: a container may change it while it is looked at
 */
export function openNamed(layer: Layer, side: Side, path: BytePath): OpenEntry | null {
  try {
    return openEntry(layer, side, path)
  } catch (error) {
    const reason = unreadableReason(error)
    if (reason === null) throw error
    if (reason.isGone) return null
    throw new UserError(`cannot read ${pathText(path)}: ${reason.text}`, {
      hint: 'something in the container may be changing it just now; try again, or pause the container',
      cause: error,
    })
  }
}
