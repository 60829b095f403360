const DOT = 46

/** Types that a directory entry itself tells (DT_… of dirent.h). */
export const DT = { unknown: 0, characterDevice: 2, directory: 4 } as const

/**
 * Goes through what getdents64 wrote (struct linux_dirent64: inode 8, offset 8, length 2, type 1, name), without `.` and `..`.
 * @param length what getdents64 answered
 * @returns the offset of the last entry: where reading goes on
 * @param visit start and end of the name in `bytes` (a NUL stands at `end`), and the type
 */
export function eachName(
  bytes: Buffer,
  length: number,
  visit: (start: number, end: number, type: number) => void,
): bigint {
  let offset = 0n
  for (let at = 0; at < length;) {
    const recordLength = (bytes[at + 16] ?? 0) | ((bytes[at + 17] ?? 0) << 8)
    const start = at + 19
    if (!isDotOrDotDot(bytes, start)) visit(start, nameEnd(bytes, at, recordLength), bytes[at + 18] ?? 0)
    offset = bytes.readBigInt64LE(at + 8)
    at += recordLength
  }
  return offset
}

export function isDotOrDotDot(bytes: Buffer, start: number): boolean {
  if (bytes[start] !== DOT) return false
  const second = bytes[start + 1]
  return second === 0 || (second === DOT && bytes[start + 2] === 0)
}

/** Records are padded to 8 bytes with whatever lay there, so the NUL is among the last 8, and none stands before it. */
export function nameEnd(bytes: Buffer, at: number, recordLength: number): number {
  let end = Math.max(at + 19, at + recordLength - 8)
  while (bytes[end] !== 0) end++
  return end
}
