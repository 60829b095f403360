import { randomBytes } from 'node:crypto'
import { closeSync, constants, fdatasyncSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { takeLock } from '../../lib/libc/lock.ts'
import { UserError } from '../../lib/errors.ts'
import type { Loss } from './loss.ts'
import { decodeRecord, encodeRecord } from './record.ts'
import { recoverSegment, writeFully } from './segment.ts'

/** What the spool knows beside its segments. */
export interface SpoolState {
  readonly id: string
  readonly acked: number
  readonly loss: Loss | null
}

/** The file that holds the state: one block, allocated once, so that it can be written on a full disk. */
export interface StateFile {
  /** Null: none was written yet, or it is damaged. */
  readonly found: SpoolState | null
  /** Reaches the page cache (survives a `kill -9`); `sync` reaches the disk. */
  write(state: SpoolState): void
  readonly sync: () => void
  close(): void
}

const SIZE_BYTES = 1024

/** @throws UserError when another sensor uses this folder */
export function openState(path: string): StateFile {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
  if (!takeLock(fd, path)) {
    closeSync(fd)
    throw new UserError(`cannot use the spool ${path}: another sensor has it open`, {
      hint: 'stop the other sensor, or give this one a PADDOCK_STATE_DIR of its own',
    })
  }
  const bytes = Buffer.alloc(SIZE_BYTES)
  readSync(fd, bytes, 0, SIZE_BYTES, 0)
  const record = decodeRecord(bytes, 0)
  return {
    // The checksum says that these are our own bytes, whole.
    found: record === null ? null : (JSON.parse(record.json.toString('utf8')) as SpoolState),
    write(state) {
      const block = Buffer.alloc(SIZE_BYTES)
      encodeRecord(state.acked, JSON.stringify(state)).copy(block)
      writeFully(fd, block, 0)
    },
    sync: () => {
      fdatasyncSync(fd)
    },
    close() {
      closeSync(fd)
    },
  }
}

/** The state of a spool whose state file was lost: its segments know whose they are; all they hold is sent again. */
export function adoptState(folder: string): SpoolState {
  const names = readdirSync(folder).filter((name) => name.endsWith('.segment'))
  const [oldest] = names.sort().map((name) => recoverSegment(join(folder, name)))
  return oldest === undefined || oldest === null
    ? { id: randomBytes(16).toString('hex'), acked: 0, loss: null }
    : { id: oldest.spool, acked: oldest.first - 1, loss: null }
}
