import { closeSync, constants, fstatSync, futimesSync, openSync, readFileSync, readSync } from 'node:fs'
import type { FindingSink, NewFinding } from './ports.ts'
import { decodeRecord, encodeRecord } from './spool/record.ts'
import { writeFully } from './spool/segment.ts'
import { onTick } from './tick.ts'

/** What a life leaves behind for the next one. Until when it lived is when its file was last modified: told anew at each tick. */
interface Life {
  /** Whether it was ended, and did not just die. */
  readonly ended: boolean
  /** The kernel's: another one means that the host went down. */
  readonly boot: string
}

const BLOCK_BYTES = 512

/**
 * Says how the last life ended and from when to when nobody looked: while no sensor runs, the kernel lets every
 * program run, and changes are seen only by the first sweep.
 * @param path a file of ours; made where it is missing
 * @param cause what the supervisor saw of the last life's end, "killed by SIGKILL"
 * @returns ends this life in order
 */
export function beginLife(path: string, sink: FindingSink, cause: string | null): () => void {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
  const bytes = Buffer.alloc(BLOCK_BYTES)
  readSync(fd, bytes, 0, BLOCK_BYTES, 0)
  const record = decodeRecord(bytes, 0)
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
  // The checksum says that these are our own bytes, whole.
  const last = record === null ? null : (JSON.parse(record.json.toString('utf8')) as Life)
  const gap = { from: fstatSync(fd).mtime.toISOString(), to: new Date().toISOString() }
  if (last !== null) sink.emit(gapFinding(last, gap, boot, cause))

  function write(ended: boolean): void {
    const life: Life = { ended, boot }
    const block = Buffer.alloc(BLOCK_BYTES)
    encodeRecord(0, JSON.stringify(life)).copy(block)
    writeFully(fd, block, 0)
  }

  write(false)
  const stop = onTick(() => {
    const now = Date.now() / 1000
    futimesSync(fd, now, now)
  })
  return () => {
    stop()
    write(true)
    closeSync(fd)
  }
}

/** Where it ended in order with the host, the engine and its containers had ended before it. */
function severityOf(ended: boolean, rebooted: boolean): NewFinding['severity'] {
  if (ended && rebooted) return 'low'
  return ended || rebooted ? 'medium' : 'high'
}

interface Gap {
  /** RFC 3339, as `to`. */
  readonly from: string
  readonly to: string
}

function gapFinding(last: Life, { from, to }: Gap, boot: string, cause: string | null): NewFinding {
  const rebooted = last.boot !== boot
  const how = last.ended
    ? 'was stopped'
    : rebooted
      ? 'died with the host'
      : `died${cause === null ? '' : `, ${cause},`}`
  return {
    kind: 'trouble',
    source: 'sensor',
    severity: severityOf(last.ended, rebooted),
    reasons: [last.ended ? 'sensor-was-stopped' : 'sensor-died'],
    summary: `the sensor ${how} and nobody looked from ${from} to ${to}: programs ran unjudged, and changes are found by the sweep that follows`,
    container: null,
    group: 'sensor/life',
    count: 1,
    details: { from, to, rebooted, ...(cause !== null && { cause }) },
  }
}
