import { randomBytes } from 'node:crypto'
import type { EngineReader } from '../engine/reader.ts'
import type { EngineWriter } from '../engine/writer.ts'
import { findNeeded } from './bisect.ts'
import { globFor } from './glob-for.ts'
import { makeImage, type TakenImage } from './image-stream.ts'
import type { TreeNode } from './image-tree.ts'
import { compileKeep } from './keep-globs.ts'
import { missedPaths } from './missed-paths.ts'
import { strip, type Stripped, type StripSettings } from './strip.ts'
import { globsOf, opened, type Piece, takenAway } from './taken-away.ts'
import { type ImageTest, testImage, type TestRun } from './test-image.ts'

/** What the test said of the new image. */
export interface Proof {
  readonly ok: boolean
  readonly steps: TestRun['steps']
  /** What the old image has and the service cannot do without; bytes as latin1. */
  readonly missing: readonly string[]
  /** The service was seen to ask for it, or it was found by putting back what was taken away; null where nothing is missing. */
  readonly foundBy: 'seen' | 'tried' | null
  /** How often the test ran on a hardened image, putting back left out: more than once where it healed. */
  readonly rounds: number
  /** Whether the old image passes; null where it was not asked. */
  readonly sourceOk: boolean | null
}

/** An image under work. */
export interface Work {
  readonly engine: EngineReader
  readonly writer: EngineWriter
  readonly signal: AbortSignal
  readonly image: string
  readonly tag: string
  readonly taken: TakenImage
  readonly progress: (line: string) => void
  readonly test: ImageTest | null
  readonly heal: boolean
}

export interface Proven {
  readonly stripped: Stripped
  /** Null where there was no test. */
  readonly proof: Proof | null
  /** Patterns that healing added. */
  readonly healed: readonly string[]
}

const MOST_ROUNDS = 6
const MOST_TRIES = 150

/**
 * Strips, tries, and gives what passes the name; round after round where it heals, until nothing more is known to be missing.
 * @param traced how the old image did; null where it was not asked
 */
export async function prove(work: Work, settings: StripSettings, traced: TestRun | null): Promise<Proven> {
  const { taken, progress, test } = work
  const healed: string[] = []
  let source = traced
  for (let round = 1; ; round++) {
    const keep = [...settings.keep, ...healed.map(compileKeep)]
    const stripped = strip(taken.tree(), taken.config, { ...settings, keep })
    if (test === null) {
      progress(`writing ${work.tag}`)
      await load(work, stripped.root, work.tag)
      return { stripped, proof: null, healed }
    }
    progress(`trying the hardened image${round === 1 ? '' : `, round ${round}`}`)
    const run = await tryOut(work, stripped.root, test, { traced: true, named: true })
    const known = { ok: run.ok, steps: run.steps, rounds: round }
    if (run.ok) {
      const proof = { ...known, missing: [], foundBy: null, sourceOk: source?.ok ?? null }
      return { stripped, proof, healed }
    }
    const seen = missedPaths(run.observed?.missing ?? new Set(), taken.tree(), stripped.root)
    const goesOn = work.heal && round < MOST_ROUNDS
    if (seen.length === 0 || !goesOn) source ??= await testImage(work, work.image, taken.config, test, false)
    const whole = seen.length === 0 && source?.ok === true ? source : null
    const missing = whole === null ? seen : await putBack(work, { ...settings, keep }, stripped, whole)
    if (!goesOn || missing.length === 0) {
      const foundBy = missing.length === 0 ? null : whole === null ? 'seen' : 'tried'
      return { stripped, proof: { ...known, missing, foundBy, sourceOk: source?.ok ?? null }, healed }
    }
    healed.push(...missing.map(globFor))
  }
}

/**
 * What nobody was seen to ask for: found by putting back parts of what was taken away, smaller and smaller ones.
 * @param source how the old image did: what took it a second is not waited for much longer
 */
async function putBack(
  work: Work,
  settings: StripSettings,
  stripped: Stripped,
  source: TestRun,
): Promise<readonly string[]> {
  const { taken, progress, test } = work
  if (test === null) return []
  const before = taken.tree()
  const { readyMs, answerMs } = source.took
  const patience = { readyMs: 2000 + 5 * readyMs, answerMs: 1000 + 5 * answerMs }
  let tries = 0
  const passes = async (pieces: readonly Piece[]) => {
    progress(`looking for what it misses, try ${++tries}`)
    const keep = [...settings.keep, ...pieces.flatMap(globsOf).map(compileKeep)]
    const { root } = strip(taken.tree(), taken.config, { ...settings, keep })
    return (await tryOut(work, root, { ...test, patience }, { traced: false, named: false })).ok
  }
  let pieces = takenAway(before, stripped.rules)
  for (;;) {
    const needed = await findNeeded(pieces, passes, MOST_TRIES - tries)
    if (needed === null) return []
    if (needed.every(({ below }) => !below)) return needed.map(({ path }) => path).sort()
    pieces = needed.flatMap((piece) => opened(before, piece))
  }
}

/** Under a name of its own: only what passes gets the name that was asked for. */
async function tryOut(
  work: Work,
  root: TreeNode,
  test: ImageTest,
  { traced, named }: { traced: boolean; named: boolean },
): Promise<TestRun> {
  const { writer, taken, tag } = work
  const trial = `paddock-harden:${randomBytes(8).toString('hex')}`
  await load(work, root, trial)
  try {
    const run = await testImage(work, trial, taken.config, test, traced)
    if (run.ok && named) await writer.tagImage(trial, tag)
    return run
  } finally {
    await writer.removeImage(trial)
  }
}

async function load({ writer, taken }: Work, root: TreeNode, tag: string): Promise<void> {
  const made = makeImage(root, taken.config, tag)
  try {
    await writer.loadImages(made.tar())
  } finally {
    made.close()
  }
}
