import type { BytePath } from '../lib/byte-path.ts'
import type { Change, Layer, Unreadable } from './change.ts'
import { isWithin } from './restore-plan.ts'
import { type Expectation, scanLayer, type ScanReport } from './scan.ts'

/** An expectation that has a scan look at these paths and what is below them, and pass over all else. */
export function lookingAt(paths: readonly BytePath[]): Expectation {
  const verdict = (path: BytePath) => ({
    expected: !paths.some((wanted) => isWithin(path, wanted)),
    rule: null,
  })
  return {
    expectsWholeSubtree: (directory) =>
      !paths.some((wanted) => isWithin(directory, wanted) || isWithin(wanted, directory)),
    judgeName: verdict,
    judge: ({ path }) => verdict(path),
  }
}

/** All changes at or below some paths. */
export async function changesAt(
  layer: Layer,
  paths: readonly BytePath[],
  signal?: AbortSignal,
): Promise<{ readonly changes: readonly Change[]; readonly unreadable: readonly Unreadable[] }> {
  const changes: Change[] = []
  const options = { expectation: lookingAt(paths), ...(signal === undefined ? {} : { signal }) }
  const { unreadable }: ScanReport = await scanLayer(layer, options, ({ change }) => {
    changes.push(change)
  })
  return { changes, unreadable }
}
