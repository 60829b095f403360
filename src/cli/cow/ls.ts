import { pathJson, pathText } from '../../lib/byte-path.ts'
import { printable } from '../../lib/printable.ts'
import { defineCommand, type ExitCode, type Io, shared } from '../command.ts'
import { declaredPolicies } from '../policy-path.ts'
import { changeJson, type JudgedChange } from '../scan/change-json.ts'
import { type ContainerScan, scanContainer } from '../scan/scan-container.ts'
import { changeLine } from '../scan/text.ts'
import { writer } from '../scan/write.ts'
import { stateDir } from '../state-dir.ts'
import { styleFor } from '../style.ts'
import { findTarget, targetJson } from './target.ts'

export const command = defineCommand({
  summary: 'all that a container changed, expected or not',
  usage: ['cow ls NAME [--hash] [--json]'],
  description: `
Lists every change of a container against its image, a line each: whether policy expects it and by which rule,
what became of it, and of what does not match any rule how bad it is and why.

Exit code: 0 all of it is expected, 1 some is not or cannot be read, 2 it could not be looked at.`,
  options: {
    hash: { type: 'boolean', help: 'compute SHA-256 of what is told, now and in the image' },
    json: shared.json,
    policy: shared.policy,
    engine: shared.engine,
  },
  examples: [
    ['paddock cow ls web', 'what web changed'],
    ["paddock cow ls web --json | jq '.changes[] | select(.expected | not)'", 'for programs'],
  ],
  arguments: { min: 1, max: 1 },
  async run({ positionals, options, io }): Promise<ExitCode> {
    const declarations = declaredPolicies(options.policy, io.env)
    const target = await findTarget(positionals[0] ?? '', options.engine, io)
    const job = {
      engine: target.engine,
      declarations,
      all: true,
      hash: options.hash === true,
      stateDir: stateDir(io.env),
      signal: io.signal,
    }
    const run: Scan = (tell) => scanContainer(target.container, target.layer, job, tell)
    const scan = options.json === true ? await listJson(io, targetJson(target), run) : await listText(io, run)
    return scan.counts.unexpected > 0 || scan.unreadableCount > 0 ? 1 : 0
  },
})

type Scan = (tell: (change: JudgedChange) => void | Promise<void>) => Promise<ContainerScan>

async function listText(io: Io, run: Scan): Promise<ContainerScan> {
  const out = writer(io.stdout)
  const style = styleFor(io.stdout, io.env)
  const scan = await run((change) => out.write(changeLine(change, style)))
  for (const { path, error } of scan.unreadable)
    await out.write(`  ${style.bad('UNREADABLE')}  ${printable(pathText(path))}: ${printable(error)}\n`)
  for (const warning of scan.warnings) await out.write(`  ${warning}\n`)
  const { total, unexpected } = scan.counts
  await out.write(style.dim(`${total} changed, ${unexpected} of them unexpected\n`))
  await out.flush()
  return scan
}

async function listJson(io: Io, container: object, run: Scan): Promise<ContainerScan> {
  const out = writer(io.stdout)
  let count = 0
  await out.write(`{"version":1,"container":${JSON.stringify(container)},"changes":[`)
  const scan = await run((change) => out.write(`${count++ === 0 ? '' : ','}${changeJson(change)}`))
  const rest = {
    layerDir: scan.layerDir,
    counts: scan.counts,
    unreadable: scan.unreadable.map(({ path, error }) => ({ ...pathJson(path), error })),
    warnings: scan.warnings,
  }
  await out.write(`],${JSON.stringify(rest).slice(1)}\n`)
  await out.flush()
  return scan
}
