import type { Readable } from 'node:stream'
import { RequestError } from './http.ts'

const BLOCK = 512
const REGULAR = new Set(['0', '\0'])
/** Extended headers and long names come before the entry they belong to. */
const PREFIXES = new Set(['x', 'g', 'L', 'K'])

/**
 * The content of the regular file that a tar archive begins with (POSIX.1-1988 ustar, pax), as engines send one file.
 * @returns null where it begins with something else
 * @throws a RequestError for what is no tar, or longer than `maxBytes`
 */
export async function readTarFile(tar: Readable, maxBytes: number): Promise<Buffer | null> {
  const bytes = await head(tar, maxBytes + 64 * BLOCK)
  let at = 0
  for (;;) {
    const header = bytes.subarray(at, at + BLOCK)
    if (header.length < BLOCK || header.toString('latin1', 257, 262) !== 'ustar') return null
    const type = header.toString('latin1', 156, 157)
    const size = Number.parseInt(header.toString('latin1', 124, 136).replaceAll('\0', '').trim(), 8)
    if (!Number.isSafeInteger(size) || size < 0) return null
    if (REGULAR.has(type)) {
      const content = bytes.subarray(at + BLOCK, at + BLOCK + size)
      if (size > maxBytes || content.length < size) throw new RequestError({ kind: 'too-long', maxBytes })
      return content
    }
    if (!PREFIXES.has(type)) return null
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK
  }
}

/** The first bytes of a stream, which is given up then. */
async function head(stream: Readable, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    size += chunk.length
    if (size >= maxBytes) break
  }
  return Buffer.concat(chunks, size).subarray(0, maxBytes)
}
