import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { connectEngine } from '../src/engine/connect.ts'
import { UserError } from '../src/lib/errors.ts'
import { dockerEnvironment } from '../test/engine/docker-client.ts'
import { testEngine } from '../test/engine/harness.ts'
import { keeperVariable, startKeeper } from '../test/engine/keeper-client.ts'
import { cacheDir } from '../test/engine/packages.ts'
import { setUp } from './setup.ts'

/*
 * `npm run demo`: `paddock demo`, with an engine of its own that remaps where none answers, stopped and removed afterwards.
 * What follows `--` is handed on.
 */

const answering = await answeringEngine()
setUp()
const keeper = answering === null ? await startKeeper() : null
try {
  if (keeper !== null) process.env[keeperVariable] = keeper.socket
  const address = answering ?? (await testEngine('docker-userns-bridge')).address
  const demo = spawn(
    process.execPath,
    ['src/bin/paddock.ts', 'demo', '--engine', address, ...process.argv.slice(2)],
    {
      stdio: 'inherit',
      env: { ...dockerEnvironment(address), PADDOCK_CACHE_DIR: join(cacheDir, 'bases') },
      // Ctrl-C reaches it by way of this process, once: a second one would end it in the middle of its tidying up.
      detached: true,
    },
  )
  // It ends what it started, and then this ends the engine.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => demo.kill(signal))
  const [code] = (await once(demo, 'exit')) as [number | null]
  process.exitCode = code ?? 2
} finally {
  await keeper?.stop()
}

async function answeringEngine(): Promise<string | null> {
  try {
    return (await connectEngine({ env: process.env })).address
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return null
  }
}
