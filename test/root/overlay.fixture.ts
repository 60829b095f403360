import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Change, Layer } from '../../src/cow/change.ts'
import { expectNothing, scanLayer } from '../../src/cow/scan.ts'

export interface RealOverlay {
  readonly lower: string
  readonly upper: string
  readonly merged: string
  readonly layer: Layer
}

/**
 * A real overlay mount on the disk, gone when the test ends.
 * @param fill makes the baseline before it is mounted
 */
export function realOverlay(t: TestContext, fill: (lower: string) => void): RealOverlay {
  const folder = mkdtempSync('/var/tmp/paddock-overlay-')
  const [lower, upper, work, merged] = ['lower', 'upper', 'work', 'merged'].map((name) => {
    mkdirSync(join(folder, name))
    return join(folder, name)
  }) as [string, string, string, string]
  t.after(() => {
    // Whatever a test mounted in it goes too, innermost first.
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[4] ?? '')
    for (const point of mounts.filter((path) => path.startsWith(`${folder}/`)).reverse())
      execFileSync('umount', ['--lazy', point])
    rmSync(folder, { recursive: true })
  })
  fill(lower)
  execFileSync('mount', [
    '-t',
    'overlay',
    'overlay',
    '-o',
    `lowerdir=${lower},upperdir=${upper},workdir=${work}`,
    merged,
  ])
  return {
    lower,
    upper,
    merged,
    layer: { upper, lowers: [lower], dataLowers: [], merged, xattrPrefix: 'trusted.overlay.' },
  }
}

/** All changes of a layer. */
export async function changesOf(layer: Layer): Promise<readonly Change[]> {
  const changes: Change[] = []
  const report = await scanLayer(layer, { expectation: expectNothing }, ({ change }) => {
    changes.push(change)
  })
  if (report.unreadableCount > 0) throw new Error(JSON.stringify(report.unreadable))
  return changes
}
