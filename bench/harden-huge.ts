import { execFileSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { chooseRules } from '../src/harden/choose-rules.ts'
import { makeImage, takeIn } from '../src/harden/image-stream.ts'
import { strip } from '../src/harden/strip.ts'
import { END, padding, tarHeader } from '../src/harden/tar-write.ts'
import { keepHeapSmall } from '../src/lib/heap.ts'
import { machine } from './measure.ts'
import { putSection, table } from './section.ts'

/*
 * `node bench/harden-huge.ts [--write]`: how much memory hardening takes of images far larger than it, each in a process of
 * its own: taken in as an engine sends them, stripped, written and sent back.
 */

const GIB = 2 ** 30
const cases = {
  'ten files of 1 GiB': { files: 10, sizeBytes: GIB },
  '100,000 files': { files: 100_000, sizeBytes: 0 },
  '300,000 files': { files: 300_000, sizeBytes: 0 },
  '1,000,000 files': { files: 1_000_000, sizeBytes: 0 },
} as const

const { values } = parseArgs({
  options: { one: { type: 'string' }, write: { type: 'boolean', default: false } },
})
if (values.one !== undefined) await runOne(cases[values.one as keyof typeof cases])
else measure()

function measure(): void {
  const rows = Object.keys(cases).map((name) => {
    const said = execFileSync(process.execPath, [import.meta.filename, '--one', name], { encoding: 'utf8' })
    const { peakMiB, cpuMs } = JSON.parse(said) as { peakMiB: number; cpuMs: number }
    return [name, `${peakMiB} MiB`, `${(cpuMs / 1000).toFixed(1)} s`]
  })
  const section = `Machine: ${machine()}.\n\n${table(['image', 'peak memory', 'processor time'], rows)}`
  if (values.write) putSection('harden-huge', section)
  console.log(section)
}

async function runOne({ files, sizeBytes }: (typeof cases)[keyof typeof cases]): Promise<void> {
  keepHeapSmall()
  const taken = await takeIn(saved(files, sizeBytes))
  const { isOn } = chooseRules({ without: [], with: [] })
  const { root } = strip(taken.tree(), taken.config, { keep: [], isOn, observed: null, data: [] })
  const made = makeImage(root, taken.config, 'huge:1')
  for await (const piece of made.tar()) if (!Buffer.isBuffer(piece)) throw new Error('no bytes')
  made.close()
  taken.close()
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage()
  console.log(
    JSON.stringify({ peakMiB: Math.round(maxRSS / 1024), cpuMs: (userCPUTime + systemCPUTime) / 1000 }),
  )
}

async function* saved(files: number, sizeBytes: number): AsyncGenerator<Buffer> {
  const nothing = Buffer.alloc(2 ** 20)
  yield header('l/layer.tar', files * (512 + sizeBytes) + END.length)
  let waiting: Buffer[] = []
  for (let file = 0; file < files; file++) {
    waiting.push(header(`srv/package-${Math.floor(file / 50)}/some/where/file-${file}`, sizeBytes))
    if (sizeBytes === 0 && waiting.length < 500) continue
    yield await Promise.resolve(Buffer.concat(waiting))
    waiting = []
    for (let at = 0; at < sizeBytes; at += nothing.length) yield await Promise.resolve(nothing)
  }
  yield Buffer.concat([...waiting, END])
  for (const [name, value] of [
    ['c.json', { config: { Cmd: ['/x'] } }],
    ['manifest.json', [{ Config: 'c.json', Layers: ['l/layer.tar'] }]],
  ] as const) {
    const bytes = Buffer.from(JSON.stringify(value))
    yield Buffer.concat([header(name, bytes.length), bytes, padding(bytes.length)])
  }
  yield END
}

function header(name: string, sizeBytes: number): Buffer {
  return tarHeader({
    ...{ type: 'file', name, sizeBytes, linkName: '', mode: 0o644, uid: 0, gid: 0, mtime: '0' },
    ...{ major: 0, minor: 0, xattrs: new Map<string, Buffer>() },
  })
}
