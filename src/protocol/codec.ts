import { isUtf8 } from 'node:buffer'
import type { RefusalReason } from './answers.ts'
import { type Message, messageShapes, requestTypes } from './messages.ts'
import { type Request, requests, type RequestType } from './requests.ts'
import { integer } from './shape.ts'

/** A line with its newline. Longer ones are not read to their end. */
export const MAX_LINE_BYTES = 64 * 1024

export type Decoded<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: RefusalReason; readonly detail: string }

/**
 * Cuts a stream of bytes into lines, without ever holding more than one line of `MAX_LINE_BYTES`.
 * @returns a function from a chunk to the lines it completes, without their newlines; `oversized` once a line
 * is too long, and from then on nothing more is given
 */
export function lineSplitter(): (chunk: Uint8Array) => { lines: Buffer[]; oversized: boolean } {
  let pending: Buffer[] = []
  let pendingBytes = 0
  let oversized = false
  return (chunk) => {
    const lines: Buffer[] = []
    let rest = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    while (!oversized && rest.length > 0) {
      const newline = rest.indexOf(0x0a)
      const piece = newline < 0 ? rest : rest.subarray(0, newline)
      // The newline itself counts, so a line that could only end beyond the bound is refused before it does.
      if (pendingBytes + piece.length >= MAX_LINE_BYTES) {
        oversized = true
        pending = []
        break
      }
      pending.push(piece)
      pendingBytes += piece.length
      if (newline < 0) {
        // A copy: the stream may use the chunk's memory again.
        pending[pending.length - 1] = Buffer.from(piece)
        break
      }
      lines.push(pending.length === 1 ? piece : Buffer.concat(pending))
      pending = []
      pendingBytes = 0
      rest = rest.subarray(newline + 1)
    }
    return { lines, oversized }
  }
}

/** The line of one request, newline included. */
export function encodeRequest(request: Request): string {
  return `${JSON.stringify(request)}\n`
}

/**
 * The line of one message, newline included.
 * @throws RangeError when it is longer than `MAX_LINE_BYTES`: a bug, see fit.ts for what may grow
 */
export function encodeMessage(message: Message): string {
  const line = `${JSON.stringify(message)}\n`
  if (Buffer.byteLength(line) > MAX_LINE_BYTES) throw new RangeError(`a ${message.type} does not fit a line`)
  return line
}

const requestId = integer(0, Number.MAX_SAFE_INTEGER)

/** What watch or a command asked. Never throws, whatever the bytes. */
export function decodeRequest(line: Uint8Array): Decoded<Request> {
  const parsed = parseObject(line)
  if (!parsed.ok) return parsed
  const { type, id, ...body } = parsed.value
  if (!isRequestType(type)) return refused('unlisted', 'no such request')
  const problem = requestId.check(id, 'id') ?? requests[type].shape.check(body, type)
  if (problem !== null) return refused('malformed', problem)
  return { ok: true, value: parsed.value as unknown as Request }
}

/** What the sensor said. Never throws, whatever the bytes. */
export function decodeMessage(line: Uint8Array): Decoded<Message> {
  const parsed = parseObject(line)
  if (!parsed.ok) return parsed
  const { type } = parsed.value
  if (typeof type !== 'string' || !Object.hasOwn(messageShapes, type))
    return refused('unlisted', 'no such message')
  const problem = messageShapes[type as Message['type']].check(parsed.value, type)
  if (problem !== null) return refused('malformed', problem)
  return { ok: true, value: parsed.value as unknown as Message }
}

function isRequestType(type: unknown): type is RequestType {
  return requestTypes.some((known) => known === type)
}

function parseObject(line: Uint8Array): Decoded<Record<string, unknown>> {
  if (line.length >= MAX_LINE_BYTES) return refused('oversized', 'a line of more than 64 KiB')
  if (!isUtf8(line)) return refused('malformed', 'not UTF-8')
  try {
    const value: unknown = JSON.parse(
      Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('utf8'),
    )
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return refused('malformed', 'not a JSON object')
    }
    return { ok: true, value: value as Record<string, unknown> }
  } catch (error) {
    // Not the parser's own message: it quotes what came.
    if (error instanceof SyntaxError) return refused('malformed', 'not JSON')
    throw error
  }
}

function refused(reason: RefusalReason, detail: string): Decoded<never> {
  return { ok: false, reason, detail }
}
