import type { Container, EngineReader } from '../engine/reader.ts'
import { UserError } from '../lib/errors.ts'
import { printable } from '../lib/printable.ts'
import { verify, type VerifyResult } from '../harden/verify.ts'
import { type Check, imageName, quoted, type Verdict, verdict, withPart } from './check.ts'
import type { ImageFact } from './facts.ts'

const SHOWN = 4

export const IMAGE_RULES = 'image-rules'

/**
 * Holds the image of every container against the rules of `paddock harden`. Each image is streamed out of its
 * engine and read whole, which takes seconds: so this is asked for, and no part of every audit.
 * @param tell which image is read
 */
export async function imageRules(
  engine: EngineReader,
  signal: AbortSignal,
  tell: (image: string) => void,
): Promise<Check> {
  const outcomes = new Map<string, VerifyResult | UserError>()
  for (const { id } of await engine.containers({ all: true })) {
    const container = await stillThere(engine, id)
    if (container === null || outcomes.has(container.imageId)) continue
    const { imageId, image } = container
    tell(image)
    outcomes.set(imageId, await outcomeOf(engine, imageId, signal))
  }
  return {
    id: IMAGE_RULES,
    cis: '4.3',
    area: 'images',
    severity: 'low',
    title: 'The image has nothing in it that no service needs',
    flaw: 'An image has in it what no service needs',
    why: 'A package manager, setuid programs and an administrator’s tools serve nobody in a container but an intruder.',
    judge: (facts) =>
      withPart(facts.images, { kind: 'image', name: '*' }, (images) =>
        images.flatMap((image) => judge(image, outcomes.get(image.id))),
      ),
  }
}

/** Null where it was removed since it was listed. */
async function stillThere(engine: EngineReader, id: string): Promise<Container | null> {
  try {
    return await engine.container(id)
  } catch (error) {
    if (error instanceof UserError && error.isMissing) return null
    throw error
  }
}

async function outcomeOf(
  engine: EngineReader,
  image: string,
  signal: AbortSignal,
): Promise<VerifyResult | UserError> {
  try {
    return await verify(engine, { image, keep: [], without: [], with: [], signal })
  } catch (error) {
    if (error instanceof UserError) return error
    throw error
  }
}

function judge(image: ImageFact, outcome: VerifyResult | UserError | undefined): readonly Verdict[] {
  const subject = { kind: 'image', name: imageName(image) } as const
  if (outcome === undefined) return []
  if (outcome instanceof UserError) return [{ status: 'unknown', subject, evidence: outcome.message }]
  const broken = outcome.rules.filter(({ deeds }) => deeds.length > 0)
  if (broken.length === 0) return [verdict(subject, null)]
  const rules = broken.map(({ rule, deeds }) => `${rule.id} (${deeds.length})`)
  return [
    verdict(subject, {
      evidence: `${broken.length} rules of harden are not held: ${rules.slice(0, SHOWN).join(', ')}${rules.length > SHOWN ? ', …' : ''}`,
      remedy: `paddock harden ${quoted(subject.name)} -t NEW`,
      details: broken.flatMap(({ rule, deeds }) => deeds.map(({ path }) => `${rule.id}: ${printable(path)}`)),
    }),
  ]
}
