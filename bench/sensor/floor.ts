import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContainer } from '../../test/engine/harness.ts'

/** C programs that do the least that a sensor must, to tell what is Paddock's own part of a cost. */
export interface Floor {
  /** Runs `act` while each of these stands beside it. */
  beside<T>(kinds: readonly FloorKind[], act: () => Promise<T>): Promise<T>
  remove(): void
}

export type FloorKind = 'answer' | 'hear'

const LOADER = / (\/\S*\/ld-linux\S*)$/m

/** Needs a C compiler, which nothing else here does. */
export async function buildFloor(container: TestContainer): Promise<Floor> {
  const folder = mkdtempSync(join(tmpdir(), 'paddock-bench-floor-'))
  const program = join(folder, 'floor')
  execFileSync('cc', ['-O2', '-o', program, join(import.meta.dirname, 'floor.c')])
  const pid = await container.pid()
  // The container's own, as its first process has it: what a link in it leads to would be the host's.
  const loader = LOADER.exec(readFileSync(`/proc/${pid}/maps`, 'latin1'))?.[1]
  if (loader === undefined) throw new Error('the container runs no dynamic program')
  const words = { answer: ['answer', `/proc/${pid}/root${loader}`], hear: ['hear'] }

  return {
    async beside(kinds, act) {
      const stops: (() => Promise<void>)[] = []
      try {
        for (const kind of kinds) stops.push(await start(program, words[kind]))
        return await act()
      } finally {
        for (const stop of stops) await stop()
      }
    },
    remove: () => rmSync(folder, { recursive: true }),
  }
}

async function start(program: string, words: readonly string[]): Promise<() => Promise<void>> {
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  const ready = once(createInterface(child.stdout), 'line')
  await Promise.race([
    ready,
    closed.then(() => {
      throw new Error(`floor ${words.join(' ')} ended`)
    }),
  ])
  return async () => {
    child.kill('SIGKILL')
    await closed
  }
}
