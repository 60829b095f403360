import type { Change } from '../../cow/change.ts'
import type { RestorePlan, RestoreStep } from '../../cow/restore-plan.ts'
import type { RestoreOutcome } from '../../cow/restore.ts'
import { pathJson, pathText } from '../../lib/byte-path.ts'
import { printable } from '../../lib/printable.ts'
import type { Style } from '../style.ts'

const WORDS: Readonly<Record<RestoreStep['act'], string>> = {
  remove: 'remove',
  recreate: 'restore',
  metadata: 'set back',
}

const SAID: Readonly<Record<RestoreStep['act'], string>> = {
  remove: 'not in the image',
  recreate: 'from the image',
  metadata: 'mode, owner, attributes and time',
}

/** What will be done, a path a line; and what will not, and why. Escaped. */
export function planText({ steps, refused }: RestorePlan, style: Style): string {
  if (steps.length === 0 && refused.length === 0) return 'nothing to restore: all is as in the image\n'
  const lines = steps.map(({ act, change, note }) => {
    const why = `${SAID[act]}${note === null ? '' : `; ${note}`}`
    return `  ${WORDS[act].padEnd(8)}  ${printable(pathText(change.path))}  ${style.dim(`${change.kind} ${change.type}: ${why}`)}`
  })
  const refusals = refused.map(
    ({ path, why }) => `  ${style.bad('REFUSED')}   ${printable(pathText(path))}  ${printable(why)}`,
  )
  const end =
    refused.length === 0 ? [] : ['nothing was restored: name the paths that can be, or replace the container']
  return `${[...lines, ...refusals, ...end].join('\n')}\n`
}

export function outcomeText(
  outcomes: readonly RestoreOutcome[],
  left: readonly Change[],
  style: Style,
): string {
  const failed = outcomes.filter(({ error }) => error !== null)
  const lines = [
    ...failed.map(
      ({ step, error }) => `  ${style.bad('FAILED')}    ${shown(step.change)}  ${printable(error ?? '')}`,
    ),
    ...left.map((change) => `  ${style.bad('DIFFERS')}   ${shown(change)}  ${change.kind} again or still`),
  ]
  if (outcomes.length > 0 && lines.length === 0)
    lines.push(style.good(`${outcomes.length} restored, and seen to be`))
  return lines.map((line) => `${line}\n`).join('')
}

function shown({ path }: Change): string {
  return printable(pathText(path))
}

export function planJson({ steps, refused }: RestorePlan): object {
  return {
    steps: steps.map(({ act, change, note }) => ({
      act,
      ...pathJson(change.path),
      kind: change.kind,
      type: change.type,
      ...(note === null ? {} : { note }),
    })),
    refused: refused.map(({ path, why }) => ({ ...pathJson(path), why })),
  }
}

export function outcomeJson(outcomes: readonly RestoreOutcome[], left: readonly Change[]): object {
  const failed = outcomes.filter(({ error }) => error !== null)
  return {
    failed: failed.map(({ step, error }) => ({ ...pathJson(step.change.path), error })),
    left: left.map(({ path, kind }) => ({ ...pathJson(path), kind })),
    ok: failed.length === 0 && left.length === 0,
  }
}
