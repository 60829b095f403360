import { readFileSync } from 'node:fs'
import type { Change, Layer } from '../../cow/change.ts'
import { changesAt } from '../../cow/look-at.ts'
import { openNamed } from './open-entry.ts'
import { isWithin, planRestore, type RestorePlan } from '../../cow/restore-plan.ts'
import { carryOut, type RestoreOutcome } from '../../cow/restore.ts'
import type { Container } from '../../engine/reader.ts'
import { type BytePath, pathText } from '../../lib/byte-path.ts'
import { hasCode, UserError } from '../../lib/errors.ts'
import { parseMounts } from '../../lib/mount-table.ts'
import { defineCommand, type ExitCode, type Io, shared } from '../command.ts'
import { confirm } from '../confirm.ts'
import { styleFor } from '../style.ts'
import { outcomeJson, outcomeText, planJson, planText } from './restore-report.ts'
import { findTarget, type Target, targetJson } from './target.ts'
import { base64Option, typedPath } from './typed-path.ts'

export const command = defineCommand({
  summary: "put paths back to the image's state",
  usage: ['cow restore NAME PATH… [--yes]'],
  description: `
Takes back what a running container changed at PATH, and below it where it is a folder: what was added goes,
what was changed or deleted comes back with content, mode, owner, extended attributes and time. It goes through the
container's own root; it shows what it will do and asks first. What it cannot do exactly it refuses, and then does nothing.
Where an intruder may be at work, pause the container first (docker pause), or replace it.

Exit code: 0 all is as in the image, 2 something is not.`,
  options: { yes: shared.yes, base64: base64Option, json: shared.json, engine: shared.engine },
  examples: [
    ['paddock cow restore web /etc/passwd', 'shows the plan and asks'],
    ['paddock cow restore web /tmp /etc --yes', 'does it without asking'],
  ],
  arguments: { min: 2, max: Number.POSITIVE_INFINITY },
  async run({ positionals, options, io }): Promise<ExitCode> {
    const [name = '', ...typed] = positionals
    const paths = typed.map((path) => typedPath(path, options.base64 === true))
    const target = await findTarget(name, options.engine, io)
    refuseStopped(target.container, target.layer)
    const plan = await makePlan(target, paths, io.signal)
    const output = options.json === true ? jsonOutput(io, targetJson(target)) : textOutput(io)
    output.plan(plan)
    if (plan.refused.length > 0) return 2
    if (plan.steps.length > 0 && options.yes !== true) await ask(plan, io, options.json === true)
    const outcomes = plan.steps.length === 0 ? [] : await carryOut(target.layer, plan, io.signal)
    // Looked at even where it was interrupted: what is told is what is.
    const left = outcomes.length === 0 ? [] : (await changesAt(target.layer, paths)).changes
    output.end(outcomes, left)
    return outcomes.some(({ error }) => error !== null) || left.length > 0 ? 2 : 0
  },
})

function refuseStopped({ name, state }: Container, { merged }: Layer): void {
  if (merged !== null) return
  throw new UserError(
    `cannot restore in ${name}: it is ${state}, and only a running container shows its root`,
    {
      hint: 'start it first, or remove it: a new container begins with the image as it is',
    },
  )
}

async function makePlan(
  { container, layer }: Target,
  paths: readonly BytePath[],
  signal: AbortSignal,
): Promise<RestorePlan> {
  const points = mountPoints(container)
  for (const path of paths) refuseMounted(path, points)
  const { changes, unreadable } = await changesAt(layer, paths, signal)
  const [first] = unreadable
  if (first !== undefined)
    throw new UserError(`cannot restore: ${pathText(first.path)} could not be read: ${first.error}`)
  for (const path of paths)
    if (!changes.some((change) => isWithin(change.path, path))) refuseNothing(layer, path)
  return planRestore(changes, points)
}

/** Where in the container other filesystems are mounted. */
function mountPoints({ name, pid }: Container): readonly BytePath[] {
  try {
    const mounts = parseMounts(readFileSync(`/proc/${pid}/mountinfo`, 'latin1'))
    return mounts.map(({ target }) => target as BytePath).filter((point) => point !== '/')
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ESRCH', 'EINVAL', 'EACCES', 'EPERM')) throw error
    throw new UserError(`cannot restore in ${name}: its mount table cannot be read`, {
      hint: 'see whether it still runs, and run this as root',
      cause: error,
    })
  }
}

function refuseMounted(path: BytePath, points: readonly BytePath[]): void {
  const point = points.findLast((one) => isWithin(path, one))
  if (point === undefined) return
  throw new UserError(
    `cannot restore ${pathText(path)}: a volume, bind mount or other filesystem is mounted on ${pathText(point)}`,
    { hint: "what lies there is no part of the image; the container's own layer is all that is restored" },
  )
}

/** A path at which nothing changed is as in the image, or a slip, or behind a folder that is gone. */
function refuseNothing(layer: Layer, path: BytePath): void {
  using was = openNamed(layer, 'baseline', path)
  using now = openNamed(layer, 'now', path)
  if (was !== null && now === null)
    throw new UserError(`cannot restore ${pathText(path)}: a folder above it was removed`, {
      hint: 'a folder of the image that was removed comes back only with a new container',
    })
  if (was === null && now === null)
    throw new UserError(
      `cannot restore ${pathText(path)}: it is neither in the image nor in the container's own layer`,
      {
        hint: 'volumes and bind mounts are no part of either',
      },
    )
}

/** @throws UserError where the answer is no, or nobody is there to give one */
async function ask(plan: RestorePlan, io: Io, isJson: boolean): Promise<void> {
  const { steps } = plan
  // The document is for programs; who is asked must see what about.
  if (isJson && io.stdin.isTTY === true) io.stderr.write(planText(plan, styleFor(io.stderr, io.env)))
  const answer = await confirm(
    `Restore ${steps.length === 1 ? 'this path' : `these ${steps.length} paths`}?`,
    io,
  )
  if (answer === true) return
  throw new UserError(
    answer === null ? 'nothing was restored: there is no terminal to ask on' : 'nothing was restored',
    answer === null ? { hint: 'add --yes to do it without asking' } : {},
  )
}

interface Output {
  plan(plan: RestorePlan): void
  end(outcomes: readonly RestoreOutcome[], left: readonly Change[]): void
}

function textOutput(io: Io): Output {
  const style = styleFor(io.stdout, io.env)
  return {
    plan: (plan) => io.stdout.write(planText(plan, style)),
    end: (outcomes, left) => io.stdout.write(outcomeText(outcomes, left, style)),
  }
}

function jsonOutput(io: Io, container: object): Output {
  let document: object = {}
  const write = (more: object) =>
    io.stdout.write(`${JSON.stringify({ version: 1, container, ...document, ...more })}\n`)
  return {
    plan(plan) {
      document = planJson(plan)
      if (plan.refused.length > 0) write({ ok: false, failed: [], left: [] })
    },
    end(outcomes, left) {
      write(outcomeJson(outcomes, left))
    },
  }
}
