import type { EngineReader } from '../engine/reader.ts'
import { openWriter } from '../engine/writer.ts'
import { UserError } from '../lib/errors.ts'
import { keepHeapSmall } from '../lib/heap.ts'
import { version } from '../lib/version.ts'
import type { RuleResult } from './apply.ts'
import type { Census } from './census.ts'
import { chooseRules } from './choose-rules.ts'
import type { NamedPrograms } from './entry-programs.ts'
import { takeIn, type TakenImage } from './image-stream.ts'
import { pathOf, type TreeNode, walk } from './image-tree.ts'
import type { Keep } from './keep.ts'
import { compileKeep } from './keep-globs.ts'
import { type Proof, prove, type Work } from './prove.ts'
import { newReference } from './reference.ts'
import { type Bom, sbomOf } from './sbom.ts'
import type { Stripped } from './strip.ts'
import { type ImageTest, testImage, type TestRun } from './test-image.ts'
import { type WeakSpot, weakSpots } from './weak-spots.ts'

/** What `paddock harden` was asked for. */
export interface HardenOptions {
  /** Name or id of the image to take. */
  readonly image: string
  /** What the hardened one will be called: "web:hardened". Without a tag, ":latest". */
  readonly tag: string
  /** Keep only what a traced run of the test uses; else by rules alone. */
  readonly trace?: boolean
  /** Absent: it is not tried; a traced run asks the health check and each port then. */
  readonly test?: ImageTest
  /** Keep what the test misses, and try again. */
  readonly heal?: boolean
  /** Globs of what stays as it is (gitignore's, absolute inside the image). */
  readonly keep: readonly string[]
  /** Ids of rules to leave out, and of those to add that are off by default; "certificates", "time-zones" for `trace`. */
  readonly without: readonly string[]
  readonly with: readonly string[]
  /** Told what is being done, a line at a time. */
  readonly progress?: (line: string) => void
  readonly signal: AbortSignal
}

/** What hardening did, and what it left. */
export interface HardenResult {
  /** False where the test failed: then nothing got the new name. */
  readonly ok: boolean
  readonly depth: 'rules' | 'trace'
  readonly image: string
  readonly sourceId: string
  readonly tag: string
  /** Of the hardened image, as the engine names it; null where the test failed. */
  readonly imageId: string | null
  readonly before: Census
  readonly after: Census
  readonly rules: readonly RuleResult[]
  readonly kept: readonly { readonly path: string; readonly why: string }[]
  /** `--keep` patterns that named nothing. */
  readonly unusedKeep: readonly string[]
  /** Patterns that healing added. */
  readonly healed: readonly string[]
  readonly healthCheck: NamedPrograms['healthCheck']
  /** Null where nothing was tried. */
  readonly test: Proof | null
  readonly weakSpots: readonly WeakSpot[]
  /** CycloneDX, of the packages that something is left of. */
  readonly sbom: Bom
}

const HEALTH_AND_PORTS: ImageTest = { commands: [], folder: '/', env: [] }

/**
 * Takes an image from the engine, strips it, tries it where there is a test, and gives the engine the result under a new
 * name. The old one stays.
 */
export async function harden(engine: EngineReader, options: HardenOptions): Promise<HardenResult> {
  keepHeapSmall()
  const progress = options.progress ?? (() => undefined)
  const tag = newReference(options.tag)
  const { isOn, data } = chooseRules(options)
  const globs = options.keep.map(compileKeep)
  const source = await engine.image(options.image)
  const writer = await openWriter(engine, options.signal)
  progress(`reading ${options.image}`)
  const taken = await takeIn(writer.saveImages([options.image]))
  const trace = options.trace ?? false
  const test = options.test ?? (trace ? HEALTH_AND_PORTS : null)
  const { image, heal = false, signal } = options
  const work: Work = { engine, writer, signal, image, tag, taken, progress, test, heal }
  try {
    const traced = trace ? await traceSource(work) : null
    const settings = { keep: globs, isOn, observed: traced?.observed ?? null, data }
    const { stripped, proof, healed } = await prove(work, settings, traced)
    const imageId = proof === null || proof.ok ? (await engine.image(tag)).id : null
    const names = {
      depth: trace ? 'trace' : 'rules',
      image: options.image,
      sourceId: source.id,
      tag,
      imageId,
    } as const
    return describe(names, stripped, proof, healed, taken)
  } finally {
    taken.close()
  }
}

async function traceSource(work: Work): Promise<TestRun> {
  const { image, taken, progress, test } = work
  progress(`tracing a run of ${image}`)
  const run = await testImage(work, image, taken.config, test ?? HEALTH_AND_PORTS, true)
  if (!run.ok) {
    throw new UserError(
      `cannot trace '${image}': its test fails before anything was hardened: ${failures(run)}`,
      {
        hint: 'mend the test, or name another with --test',
      },
    )
  }
  if (run.observed?.complete === false) {
    throw new UserError(
      `cannot trace '${image}': its processes asked for more different files than Paddock holds`,
      {
        hint: 'harden without --trace; a service that does this may be hostile',
      },
    )
  }
  return run
}

function failures({ steps }: TestRun): string {
  return steps
    .filter(({ ok }) => !ok)
    .map(({ what, said }) => `${what}: ${said}`)
    .join('; ')
}

function describe(
  names: Pick<HardenResult, 'depth' | 'image' | 'sourceId' | 'tag' | 'imageId'>,
  stripped: Stripped,
  test: Proof | null,
  healed: readonly string[],
  { config }: TakenImage,
): HardenResult {
  const { root, before, after, rules, keep, unusedKeep, healthCheck, packages } = stripped
  return {
    ok: test?.ok ?? true,
    ...names,
    before,
    after,
    rules,
    kept: keptFiles(root, keep),
    unusedKeep,
    healed,
    healthCheck,
    test,
    weakSpots: weakSpots(root, config, after, rules, healthCheck),
    sbom: sbomOf(root, packages, names.tag, version),
  }
}

/** What was kept for a reason of its own, folders on the way left out. */
function keptFiles(root: TreeNode, keep: Keep): { path: string; why: string }[] {
  return walk(root)
    .flatMap((node) => {
      const why = keep.why(node)
      return why === null || node.inode.type === 'directory' ? [] : [{ path: pathOf(node), why }]
    })
    .toArray()
}
