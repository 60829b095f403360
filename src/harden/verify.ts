import type { EngineReader } from '../engine/reader.ts'
import { openWriter } from '../engine/writer.ts'
import { keepHeapSmall } from '../lib/heap.ts'
import type { RuleResult } from './apply.ts'
import type { Census } from './census.ts'
import { chooseRules } from './choose-rules.ts'
import { takeIn } from './image-stream.ts'
import { compileKeep } from './keep-globs.ts'
import { strip } from './strip.ts'
import { type WeakSpot, weakSpots } from './weak-spots.ts'

/** What `paddock harden --verify` was asked for. */
export interface VerifyOptions {
  readonly image: string
  readonly keep: readonly string[]
  readonly without: readonly string[]
  readonly with: readonly string[]
  readonly signal: AbortSignal
}

/** What the rules would still do to an image. */
export interface VerifyResult {
  readonly ok: boolean
  readonly image: string
  readonly imageId: string
  readonly census: Census
  readonly rules: readonly RuleResult[]
  readonly weakSpots: readonly WeakSpot[]
}

/** Holds an image against the rules and changes nothing: what a rule would do is a finding. */
export async function verify(engine: EngineReader, options: VerifyOptions): Promise<VerifyResult> {
  keepHeapSmall()
  const settings = {
    keep: options.keep.map(compileKeep),
    isOn: chooseRules(options).isOn,
    observed: null,
    data: [],
  }
  const { id } = await engine.image(options.image)
  const writer = await openWriter(engine, options.signal)
  const taken = await takeIn(writer.saveImages([options.image]))
  try {
    const { root, before, after, rules, healthCheck } = strip(taken.tree(), taken.config, settings)
    return {
      ok: rules.every(({ deeds }) => deeds.length === 0),
      image: options.image,
      imageId: id,
      census: before,
      rules,
      weakSpots: weakSpots(root, taken.config, after, rules, healthCheck),
    }
  } finally {
    taken.close()
  }
}
