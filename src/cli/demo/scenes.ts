import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { printable } from '../../lib/printable.ts'
import type { Finding } from '../../protocol/findings.ts'
import { BUSYBOX, type ByHand } from './herd.ts'
import { acts, type Act, TIDY_UP } from './intruder.ts'
import type { Live } from './live.ts'
import type { Stage } from './stage.ts'

export interface Seen {
  readonly act: Act
  readonly finding: Finding | null
  /** From the end of what was done to the finding in the demo's hands, less than 0 where it came before. */
  readonly afterMs: number
  /** Whether it was refused, where it had to be. */
  readonly refused: boolean
}

/** The intruder does what he does, each act waiting for what is said of it; then he tidies up. */
export async function walkIn({ io, writer }: Stage, live: Live, { id }: ByHand): Promise<readonly Seen[]> {
  const seen: Seen[] = []
  for (const act of acts) {
    const from = live.count()
    io.stdout.write(`\n  ${act.does}\n  # ${act.script}\n`)
    const { exitCode, output } = await writer.run(id, [BUSYBOX, 'sh', '-c', act.script])
    const doneMs = performance.now()
    const finding = await live.find(from, act.isFound)
    const afterMs = performance.now() - doneMs
    await live.quiet()
    if (exitCode !== 0) io.stdout.write(`  ${printable(said(output))} (exit code ${exitCode})\n`)
    seen.push({ act, finding, afterMs, refused: exitCode !== 0 })
  }
  io.stdout.write(`\n  tidies up\n  # ${TIDY_UP}\n`)
  await writer.run(id, [BUSYBOX, 'sh', '-c', TIDY_UP])
  await live.quiet()
  return seen
}

/** Whether the dropped program's very bytes are among the evidence, though the file is gone. */
export async function recoverEvidence(stage: Stage, { id, name }: ByHand): Promise<boolean> {
  const program = await stage.writer.readFile(id, BUSYBOX, 64 * 1024 * 1024)
  if (program === null) return false
  const dropped = sha256(Buffer.concat([program, Buffer.from('x\n')]))
  const { out } = await stage.ask('alerts', 'ls', '--json')
  const { alerts } = JSON.parse(out) as { alerts: readonly { id: string | number; container: unknown }[] }
  for (const alert of alerts.filter(({ container }) => JSON.stringify(container).includes(name))) {
    const target = join(stage.folder, `evidence-${alert.id}`)
    const { code } = await stage.ask('alerts', 'evidence', String(alert.id), '-o', target)
    if (code === 0 && files(target).some((file) => sha256(readFileSync(file)) === dropped)) {
      stage.io.stdout.write(
        `$ paddock alerts evidence ${alert.id} -o dropped.bin\nsha256 ${dropped}: the program, byte for byte\n`,
      )
      return true
    }
  }
  return false
}

const tries = [
  `echo 'toor::0:0::/:/bin/sh' >> /etc/passwd`,
  `cp ${BUSYBOX} /usr/bin/.x`,
  `cp ${BUSYBOX} /tmp/.x && chmod 755 /tmp/.x && /tmp/.x id`,
] as const

/** @returns whether every try was refused */
export async function tryEnclosed({ io, engine, writer }: Stage, byHand: ByHand): Promise<boolean> {
  const containers = await engine.containers({ all: false })
  const web = containers.find(({ id, image }) => image === 'paddock-demo/web:live' && id !== byHand.id)
  if (web === undefined) return false
  let refused = true
  for (const script of tries) {
    const { exitCode, output } = await writer.run(web.id, [BUSYBOX, 'sh', '-c', script])
    io.stdout.write(`  # ${script}\n  ${printable(said(output))} (exit code ${exitCode})\n`)
    refused &&= exitCode !== 0
  }
  return refused
}

/** The last line of what a program said, without the engine's frames (8 bytes before each piece). */
function said(output: Buffer): string {
  const text = output.toString('latin1').replace(/[\0-\u0002]\0\0\0[^]{4}/g, '')
  return text.trim().split('\n').at(-1) ?? ''
}

function files(path: string): string[] {
  return statSync(path).isDirectory() ? readdirSync(path).map((name) => join(path, name)) : [path]
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
