import type { Change, Unreadable } from '../../cow/change.ts'
import { type ChangeDiff, diffChange } from '../../cow/diff.ts'
import { lookingAt } from '../../cow/look-at.ts'
import { openNamed } from './open-entry.ts'
import { scanLayer } from '../../cow/scan.ts'
import { unreadableReason } from '../../cow/unreadable.ts'
import { type BytePath, pathJson, pathText } from '../../lib/byte-path.ts'
import { UserError } from '../../lib/errors.ts'
import { printable } from '../../lib/printable.ts'
import { defineCommand, type ExitCode, type Io, shared } from '../command.ts'
import { writer } from '../scan/write.ts'
import { styleFor } from '../style.ts'
import { diffJson } from './diff-json.ts'
import { diffText } from './diff-text.ts'
import { findTarget, type Target, targetJson } from './target.ts'
import { base64Option, typedPath } from './typed-path.ts'

export const command = defineCommand({
  summary: 'how what it changed differs from the image',
  usage: ['cow diff NAME [PATH]'],
  description: `
Compares what a container changed with its image: text line by line, everything else by size, hash and kind,
metadata field by field. With PATH only that file, or what is changed in that folder. Nothing is followed
and nothing runs in the container.

Exit code: 0 no difference, 1 there are differences, 2 it could not be looked at.`,
  options: { base64: base64Option, json: shared.json, engine: shared.engine },
  examples: [
    ['paddock cow diff web /etc/passwd', 'an added line is seen at a glance'],
    ['paddock cow diff web | less', 'all that web changed'],
  ],
  arguments: { min: 1, max: 2 },
  async run({ positionals, options, io }): Promise<ExitCode> {
    const [name = '', typed] = positionals
    const path = typed === undefined ? ('/' as BytePath) : typedPath(typed, options.base64 === true)
    const target = await findTarget(name, options.engine, io)
    refuseNothing(target, path)
    const output = options.json === true ? jsonOutput(io, targetJson(target)) : textOutput(io)
    const found = await diffAll(target, path, io.signal, output)
    if (!found && options.json !== true && typed !== undefined)
      io.stdout.write(`${printable(pathText(path))} is as in the image\n`)
    return found ? 1 : 0
  },
})

interface Output {
  diff(diff: ChangeDiff): Promise<void> | void
  end(unreadable: readonly Unreadable[]): Promise<void>
}

/** A path that is neither in the image nor in the container is a slip, not a lack of differences. */
function refuseNothing({ container, layer }: Target, path: BytePath): void {
  for (const side of ['baseline', 'now'] as const) {
    using entry = openNamed(layer, side, path)
    if (entry !== null) return
  }
  throw new UserError(
    `there is no ${pathText(path)} in the image of ${container.name}, nor in the container's own layer`,
    { hint: 'volumes and bind mounts are no part of either' },
  )
}

async function diffAll(
  { layer }: Target,
  path: BytePath,
  signal: AbortSignal,
  output: Output,
): Promise<boolean> {
  const unreadable: Unreadable[] = []
  const seen = { count: 0 }
  const diff = async (change: Change) => {
    seen.count++
    try {
      await output.diff(await diffChange(layer, change, signal))
    } catch (error) {
      const reason = unreadableReason(error)
      if (reason === null) throw error
      // What went away since it was seen is no trouble.
      if (!reason.isGone) unreadable.push({ path: change.path, error: reason.text })
    }
  }
  const options = { expectation: lookingAt([path]), signal }
  const report = await scanLayer(layer, options, ({ change }) => diff(change))
  await output.end([...report.unreadable, ...unreadable])
  return seen.count > 0 || report.unreadableCount > 0 || unreadable.length > 0
}

function textOutput(io: Io): Output {
  const out = writer(io.stdout)
  const style = styleFor(io.stdout, io.env)
  return {
    diff: (diff) => out.write(diffText(diff, style)),
    async end(unreadable) {
      for (const { path, error } of unreadable)
        await out.write(`${style.bad('UNREADABLE')} ${printable(pathText(path))}: ${printable(error)}\n`)
      await out.flush()
    },
  }
}

function jsonOutput(io: Io, container: object): Output {
  const out = writer(io.stdout)
  let count = 0
  const begin = () =>
    count++ === 0 ? `{"version":1,"container":${JSON.stringify(container)},"diffs":[` : ','
  return {
    diff: (diff) => out.write(begin() + JSON.stringify(diffJson(diff))),
    async end(unreadable) {
      const rest = { unreadable: unreadable.map(({ path, error }) => ({ ...pathJson(path), error })) }
      if (count === 0) await out.write(begin())
      await out.write(`],${JSON.stringify(rest).slice(1)}\n`)
      await out.flush()
    },
  }
}
