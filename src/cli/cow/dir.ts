import { pathText, type BytePath } from '../../lib/byte-path.ts'
import { printable } from '../../lib/printable.ts'
import { defineCommand, type ExitCode, shared } from '../command.ts'
import { findTarget, targetJson } from './target.ts'

export const command = defineCommand({
  summary: 'where the layer directory of a container lies',
  usage: ['cow dir NAME'],
  description: `
Prints the layer directory of a container: where on the host all lies that it changed. Look, and do not touch:
what is changed there while the container runs has no defined effect; 'paddock cow restore' goes through the container.

Exit code: 0, or 2 where there is none.`,
  options: { json: shared.json, engine: shared.engine },
  examples: [
    ['paddock cow dir web', '/var/lib/docker/overlay2/…/diff'],
    ['ls -la "$(paddock cow dir web)"', 'what lies there'],
  ],
  arguments: { min: 1, max: 1 },
  async run({ positionals, options, io }): Promise<ExitCode> {
    const target = await findTarget(positionals[0] ?? '', options.engine, io)
    const { upper, lowers, merged } = target.layer
    const json = {
      version: 1,
      container: targetJson(target),
      layerDir: upper,
      lowerDirs: lowers,
      root: merged,
    }
    io.stdout.write(
      options.json === true ? `${JSON.stringify(json)}\n` : `${printable(pathText(upper as BytePath))}\n`,
    )
    return 0
  },
})
