import { existsSync } from 'node:fs'
import { connectEngine, findEngine } from '../../engine/connect.ts'
import { UserError } from '../../lib/errors.ts'
import { openHost } from '../../uidmap/host.ts'
import { describeSetup, type Setup } from '../../uidmap/setup.ts'
import type { Io, Option } from '../command.ts'

export const rootOption = {
  type: 'string',
  value: 'DIR',
  help: "work on the copy of this machine's files in DIR (etc/…); an engine is asked only where one is named",
} as const satisfies Option

interface Asked {
  readonly root?: string | undefined
  readonly engine?: string | undefined
}

/**
 * Opens what the commands of uidmap work on.
 * @param need whether an engine must answer: always, where one is named, or not at all
 */
export async function openSetup(
  { root, engine }: Asked,
  io: Io,
  need: 'always' | 'if-named' | 'never',
): Promise<Setup> {
  const host = openHost(root, io.env['PADDOCK_STATE_DIR'])
  const named = [engine, io.env['DOCKER_HOST'], io.env['CONTAINER_HOST']].some((one) => (one ?? '') !== '')
  // A copy of the files says nothing of which engine is meant.
  const isWanted = named || host.root === '' || need === 'always'
  if (!isWanted || (need !== 'always' && !named && !someEngine(io))) return describeSetup(host, null)
  try {
    const reader = await connectEngine({ engine, env: io.env })
    return describeSetup(host, { reader, info: await reader.info() })
  } catch (error) {
    if (need !== 'never' || !(error instanceof UserError)) throw error
    return describeSetup(host, null)
  }
}

function someEngine(io: Io): boolean {
  try {
    findEngine({ env: io.env }, existsSync)
    return true
  } catch (error) {
    if (error instanceof UserError) return false
    throw error
  }
}
