import { bytePath } from '../lib/byte-path.ts'
import type { Change, Entry } from './change.ts'

/** One field of an entry that differs; a side is null where there is nothing. Not escaped: see `printable`. */
export interface FieldDiff {
  /** "mode", "uid", "xattr user.x", … */
  readonly name: string
  readonly was: string | null
  readonly now: string | null
}

type Xattrs = ReadonlyMap<string, Buffer>

const LONGEST_VALUE = 256

const FIELDS: Readonly<Record<string, (entry: Entry) => string | null>> = {
  type: ({ type }) => type,
  mode: ({ mode }) => mode.toString(8).padStart(6, '0'),
  uid: ({ uid }) => String(uid),
  gid: ({ gid }) => String(gid),
  size: ({ type, sizeBytes }) => (type === 'file' ? String(sizeBytes) : null),
  modified: ({ type, mtimeNs }) => (type === 'directory' ? null : timeText(mtimeNs)),
  device: ({ type, rdev }) => (type.endsWith('-device') ? `0x${rdev.toString(16)}` : null),
}

/** The metadata in which the two sides of a change differ, field by field. */
export function diffFields(
  { was, now }: Pick<Change, 'was' | 'now'>,
  wasXattrs: Xattrs,
  nowXattrs: Xattrs,
): readonly FieldDiff[] {
  const fields = Object.entries(FIELDS).map(([name, read]) => ({
    name,
    was: was === null ? null : read(was),
    now: now === null ? null : read(now),
  }))
  const names = [...new Set([...wasXattrs.keys(), ...nowXattrs.keys()])].sort()
  const xattrs = names.map((name) => ({
    name: `xattr ${name}`,
    was: valueText(wasXattrs.get(name)),
    now: valueText(nowXattrs.get(name)),
  }))
  return [...fields, ...xattrs].filter(({ was: before, now: after }) => before !== after)
}

/** RFC 3339 with nanoseconds, UTC. */
export function timeText(timeNs: bigint): string {
  const seconds = timeNs >= 0n ? timeNs / 1_000_000_000n : (timeNs - 999_999_999n) / 1_000_000_000n
  const date = new Date(Number(seconds) * 1000)
  const nanoseconds = (timeNs - seconds * 1_000_000_000n).toString().padStart(9, '0')
  // A filesystem may hold years that no calendar text has.
  if (Number.isNaN(date.getTime()) || date.getUTCFullYear() > 9999) return `${seconds}.${nanoseconds}`
  return `${date.toISOString().slice(0, 19)}.${nanoseconds}Z`
}

/** As text where it is one, else hexadecimal; long values by their beginning. */
function valueText(value: Buffer | undefined): string | null {
  if (value === undefined) return null
  const cut = value.subarray(0, LONGEST_VALUE)
  const more = value.length > LONGEST_VALUE ? `… (${value.length} bytes)` : ''
  const isPlain = /^[\x20-\x7e]+$/.test(bytePath(cut))
  return (isPlain ? cut.toString('latin1') : `0x${cut.toString('hex')}`) + more
}
