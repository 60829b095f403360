import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import type { TestEngine } from './harness.ts'

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/**
 * Runs `paddock` as an operator would.
 * @param env beside what the test itself has: PADDOCK_STATE_DIR, …
 */
export async function paddock(engine: TestEngine, env: NodeJS.ProcessEnv, ...args: string[]): Promise<Ran> {
  const child = spawn(process.execPath, ['src/bin/paddock.ts', ...args, '--engine', engine.address], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const code = new Promise<number | null>((resolve) => child.once('close', resolve))
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { out, err, code: await code }
}
