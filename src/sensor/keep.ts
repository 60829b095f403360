import { chmodSync, chownSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { reasonOf, UserError } from '../lib/errors.ts'
import type { PartStatus } from '../protocol/answers.ts'
import { type Evidence, openEvidence } from './evidence/evidence.ts'
import { beginLife } from './last-life.ts'
import type { FindingSink, SensorAnswers } from './ports.ts'
import { startServer } from './server/server.ts'
import { openSpool } from './spool/spool.ts'

export interface KeepOptions {
  readonly stateDir: string
  readonly runDir: string
  /** The group that watch runs as; null: root alone may connect. */
  readonly groupId: number | null
  readonly spoolQuotaBytes: number
  readonly evidenceQuotaBytes: number
  /** What a supervisor saw of the last sensor's end. */
  readonly lastDeath: string | null
  readonly log: (line: string) => void
}

/** The half of the sensor that keeps: spool, evidence, the socket. The other half sees and judges (sensor.ts). */
export interface Keeping {
  readonly sink: FindingSink
  readonly evidence: Evidence
  /** Opens the socket, once there is somebody to answer for what is judged. */
  serve(judge: SensorAnswers, parts: readonly PartStatus[]): Promise<void>
  /** Last of all: findings until here are kept. */
  close(): Promise<void>
}

/** Names in the run folder and in the state folder. */
export const SENSOR_SOCKET = 'sensor.sock'
const SPOOL = 'spool'
const EVIDENCE = 'evidence'
const LIFE = 'sensor.life'

/** @throws UserError when the folders cannot be used, or another sensor uses them */
export function openKeeping(options: KeepOptions): Keeping {
  const { stateDir, runDir, groupId, log } = options
  try {
    makeFolders(options)
    const spool = openSpool({ folder: join(stateDir, SPOOL), quotaBytes: options.spoolQuotaBytes, log })
    const evidence = openEvidence({
      folder: join(stateDir, EVIDENCE),
      quotaBytes: options.evidenceQuotaBytes,
      sink: spool,
      spareSinceMs: () => spool.oldestUnackedMs(),
    })
    const endLife = beginLife(join(stateDir, LIFE), spool, options.lastDeath)
    const closing: (() => Promise<void>)[] = []
    return {
      sink: spool,
      evidence,
      async serve(judge, parts) {
        const socketPath = join(runDir, SENSOR_SOCKET)
        const server = await startServer({ socketPath, groupId, spool, evidence, judge, sink: spool, parts })
        closing.push(() => server.close())
      },
      async close() {
        for (const close of closing) await close()
        await evidence.close()
        endLife()
        await spool.close()
      },
    }
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error
    throw new UserError(`cannot use the state folder ${stateDir}: ${reasonOf(error)}`, {
      hint: 'set PADDOCK_STATE_DIR to a folder on a disk with room, that root may write to',
      cause: error,
    })
  }
}

/**
 * Both folders are passable for all, what is in them is not. In the run folder watch has a socket of its own: its
 * group may make entries there, and, for the sticky bit, not remove ours.
 */
function makeFolders({ stateDir, runDir, groupId }: KeepOptions): void {
  const madeState = mkdirSync(stateDir, { recursive: true })
  if (madeState !== undefined) chmodSync(stateDir, 0o755)
  const madeRun = mkdirSync(runDir, { recursive: true })
  if (madeRun === undefined) return
  if (groupId !== null) chownSync(runDir, 0, groupId)
  chmodSync(runDir, groupId === null ? 0o755 : 0o1775)
}
