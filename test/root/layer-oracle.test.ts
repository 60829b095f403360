import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { linkTarget, xattrValues } from '../../src/cow/compare.ts'
import { lookUpPath, type Side } from '../../src/cow/look-up-path.ts'
import { type OpenLayer, openLayer } from '../../src/cow/open-layer.ts'
import { expectNothing, scanLayer } from '../../src/cow/scan.ts'
import type { Change } from '../../src/cow/change.ts'
import type { BytePath } from '../../src/lib/byte-path.ts'
import { type Coverage, countChange, countMarks, situations } from './oracle/coverage.ts'
import { enterOwnMounts, mountTmpfs, unmount } from './oracle/kernel-calls.ts'
import { type Mounted, sequence, withMounted } from './oracle/sequence.ts'
import { difference, type Seen, type Tree, walk } from './oracle/walk.ts'

/*
 * The oracle: whatever is done to a container, the decoder's answer is the difference of two plain walks through
 * what the kernel shows. PADDOCK_ORACLE_RUNS and PADDOCK_ORACLE_SEED ask for more runs, or the same again.
 */

const runs = Number(process.env['PADDOCK_ORACLE_RUNS'] ?? 300)
const seed = Number(process.env['PADDOCK_ORACLE_SEED'] ?? Date.now() % 2 ** 31)
// A slow machine tries fewer, not for longer; more are asked for, more are done.
const timeLimitMs = runs > 300 ? 30 * 60_000 : 75_000
const home = mkdtempSync('/var/tmp/paddock-oracle-')
const coverage: Coverage = new Map()
const memory = join(home, 'memory')
mkdirSync(memory)
enterOwnMounts()
mountTmpfs(memory)
after(() => {
  unmount(memory)
  rmSync(home, { recursive: true, force: true })
})

test(`a layer directory decodes to the difference of two walks (${runs} sequences, seed ${seed})`, async (t) => {
  let number = 0
  const property = fc.asyncProperty(sequence, async (drawn) => {
    // A filesystem on disk and one in memory: names come in another order, and removing is faster.
    const folder = join(number % 4 === 0 ? home : memory, String(number++))
    mkdirSync(folder)
    try {
      await withMounted(folder, drawn, judge)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
  await fc.assert(property, { numRuns: runs, seed, interruptAfterTimeLimit: timeLimitMs })
  t.diagnostic(`${number} sequences, seed ${seed}`)
  t.diagnostic(situations.map((situation) => `${situation} ${coverage.get(situation) ?? 0}`).join(', '))
  if (number < 1000) return
  const unmet = situations.filter((situation) => !coverage.has(situation))
  assert.deepEqual(unmet, [], 'the sequences never led to these, so nothing is known of them')
})

async function judge(mounted: Mounted): Promise<void> {
  const { layer, merged, image } = mounted
  countMarks(coverage, mounted)
  const [lower, now] = [walk(image), walk(merged)]
  const changes = new Map<string, Change>()
  const report = await scanLayer(layer, { expectation: expectNothing, hashes: true }, ({ change }) => {
    assert.ok(!changes.has(change.path), `${change.path} is told twice`)
    changes.set(change.path, change)
    countChange(coverage, change)
  })
  assert.deepEqual(report.unreadable, [])
  const found = [...changes.values()].map(({ path, kind, type, xattrs }) => [path, { kind, type, xattrs }])
  assert.deepEqual(new Map(found.sort() as []), new Map([...difference(lower, now)].sort()))
  for (const change of changes.values()) sidesAgree(change, lower, now)
  using open = openLayer(layer)
  for (const path of new Set([...lower.keys(), ...now.keys()])) {
    entryAgrees(open, 'baseline', path, lower.get(path))
    entryAgrees(open, 'now', path, now.get(path))
  }
}

function sidesAgree(change: Change, lower: Tree, merged: Tree): void {
  const [was, now] = [lower.get(change.path), merged.get(change.path)]
  assert.deepEqual(facts(change.was), plainFacts(was), change.path)
  assert.deepEqual(facts(change.now), plainFacts(now), change.path)
  assert.equal(change.sha256, now?.type === 'file' ? now.substance : undefined, change.path)
  assert.equal(change.wasSha256, was?.type === 'file' ? was.substance : undefined, change.path)
  assert.equal(change.fileCapabilities, now?.xattrs.has('security.capability') ?? false, change.path)
}

function entryAgrees(open: OpenLayer, side: Side, path: string, seen: Seen | undefined): void {
  const found = lookUpPath(open, side, path as BytePath)
  assert.deepEqual(facts(found?.entry ?? null), plainFacts(seen), `${side} ${path}`)
  if (found === null || seen === undefined) return
  const xattrs = [...xattrValues(open, found)].map(([name, value]) => [name, value.toString('hex')])
  assert.deepEqual(new Map(xattrs.sort() as []), new Map([...seen.xattrs].sort()), `${side} ${path}`)
  if (seen.type === 'symlink') assert.equal(linkTarget(open, found.place).toString('latin1'), seen.substance)
}

/** What must be the same whether the layers tell it or the mounted tree; a directory's size and time are its layer's. */
function facts(entry: Change['now']) {
  if (entry === null) return null
  const { type, mode, uid, gid, rdev, sizeBytes, mtimeNs } = entry
  return { type, mode, uid, gid, rdev, ...(type === 'directory' ? {} : { sizeBytes, mtimeNs }) }
}

function plainFacts(seen: Seen | undefined) {
  if (seen === undefined) return null
  const { stat, type } = seen
  return {
    type,
    mode: Number(stat.mode),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    rdev: Number(stat.rdev),
    ...(type === 'directory' ? {} : { sizeBytes: Number(stat.size), mtimeNs: stat.mtimeNs }),
  }
}
