import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { mountOverlay, unmount } from '../lib/libc/mount.ts'
import type { OwnOverlay } from './verdict/messages.ts'

/** What the self-test needs of the running sensor. */
export interface SelfTestParts {
  /** Marks the overlay as a container's; resolves when that is done. */
  mark(overlay: OwnOverlay): Promise<void>
  /** Resolves when a close-after-write event of this path came from the overlay. */
  sawWrite(path: string): Promise<void>
  release(): void
}

export interface SelfTestResult {
  readonly ok: boolean
  /** What was not seen; "" when all was. */
  readonly detail: string
}

const EPERM = -1
/** On a machine with much else to do a thread takes seconds to start. */
const PATIENCE_MS = 30_000
/** A write whose event was lost with others, as in an overflow, is made again after so long. */
const AGAIN_MS = 2000
/** No kernel runs this. */
const NO_PROGRAM = 'paddock: nothing to run\n'

/**
 * Proves that the sensor sees and denies, by the same code and kernel objects that look after containers: on an overlay of
 * its own a file is written, which must be seen; a program that is not in its lower layer must not run, and one that is must.
 * @param folder on a real disk, of ours
 */
export async function selfTest(folder: string, parts: SelfTestParts): Promise<SelfTestResult> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const home = mkdtempSync(join(folder, 'self-test-'))
  const at = (name: string): string => join(home, name)
  for (const name of ['lower', 'upper', 'work', 'merged']) mkdirSync(at(name))
  const overlay = { merged: at('merged'), upper: at('upper'), lower: at('lower') }
  let mounted = false
  try {
    writeFileSync(at('lower/listed'), NO_PROGRAM, { mode: 0o755 })
    mountOverlay(overlay.merged, `lowerdir=${overlay.lower},upperdir=${overlay.upper},workdir=${at('work')}`)
    mounted = true
    return await soon((step, signal) => look(overlay, parts, step, signal))
  } catch (error) {
    return { ok: false, detail: `it could not be carried out: ${(error as Error).message}` }
  } finally {
    parts.release()
    if (mounted) unmount(overlay.merged)
    rmSync(home, { recursive: true, force: true })
  }
}

async function look(
  overlay: OwnOverlay,
  parts: SelfTestParts,
  step: Step,
  signal: AbortSignal,
): Promise<SelfTestResult> {
  step('the mark on its overlay')
  await parts.mark(overlay)
  const seen = parts.sawWrite('/unlisted')
  const unlisted = join(overlay.merged, 'unlisted')
  writeFileSync(unlisted, NO_PROGRAM, { mode: 0o755 })
  step('verdicts on its programs')
  const [denied, allowed] = await runAll([unlisted, join(overlay.merged, 'listed')])
  if (denied !== EPERM)
    return { ok: false, detail: `a program that is not in the image was not denied (${denied})` }
  if (allowed !== 0) return { ok: false, detail: `a program of the image was denied (${allowed})` }
  step('the event of its write')
  const again = setInterval(() => appendFileSync(unlisted, '\n'), AGAIN_MS)
  signal.addEventListener('abort', () => clearInterval(again))
  await seen
  return { ok: true, detail: '' }
}

function runAll(paths: readonly string[]): Promise<readonly (number | undefined)[]> {
  const url = import.meta.url.endsWith('.ts')
    ? new URL('./self-test/run-worker.ts', import.meta.url)
    : new URL('./self-test-worker.js', import.meta.url)
  return new Promise((resolve, reject) => {
    const worker = new Worker(url, { workerData: paths })
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', (code) => reject(new Error(`the thread that runs programs ended with ${code}`)))
  })
}

/** Says what is waited for from now on. */
type Step = (waitsFor: string) => void

/** What it waits for is said when nothing comes; the signal aborts when it is over. */
async function soon(
  run: (step: Step, signal: AbortSignal) => Promise<SelfTestResult>,
): Promise<SelfTestResult> {
  const over = new AbortController()
  const late = Promise.withResolvers<SelfTestResult>()
  let waitsFor = ''
  const timer = setTimeout(
    () => late.resolve({ ok: false, detail: `for ${PATIENCE_MS} ms there did not come ${waitsFor}` }),
    PATIENCE_MS,
  )
  try {
    return await Promise.race([run((next) => void (waitsFor = next), over.signal), late.promise])
  } finally {
    over.abort()
    clearTimeout(timer)
  }
}
