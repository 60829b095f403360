import type { IncomingMessage } from 'node:http'
import { GarbageError } from './fields.ts'
import { asFailure, RequestError } from './http.ts'
import { parseEvent } from './parse-event.ts'
import type { EngineEvent } from './reader.ts'

/** An event carries all labels of its container. */
const MAX_LINE_BYTES = 16 * 1024 * 1024

/**
 * The events of a response to `GET /events`: JSON documents, one a line. At most one unfinished line is held.
 * Ends when `signal` aborts; throws when the connection ends in any other way, for an engine never ends it.
 */
export async function* readEvents(
  response: IncomingMessage,
  signal: AbortSignal,
): AsyncGenerator<EngineEvent> {
  try {
    for await (const line of lines(response, MAX_LINE_BYTES)) yield parseEvent(parseLine(line))
  } catch (error) {
    if (signal.aborted) return
    if (error instanceof GarbageError) throw error
    throw asFailure(error)
  } finally {
    response.destroy()
  }
  if (!signal.aborted) throw new RequestError({ kind: 'broken-off' })
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch (error) {
    throw new GarbageError('an event is not JSON', { cause: error })
  }
}

async function* lines(chunks: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<string> {
  let held: Buffer[] = []
  let heldBytes = 0
  for await (const chunk of chunks) {
    let from = 0
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      const line = Buffer.concat([...held, chunk.subarray(from, end)]).toString('utf8')
      held = []
      heldBytes = 0
      from = end + 1
      if (line.trim() !== '') yield line
    }
    if (from < chunk.length) {
      held.push(chunk.subarray(from))
      heldBytes += chunk.length - from
    }
    if (heldBytes > maxBytes) throw new GarbageError(`an event is longer than ${maxBytes / 1024 / 1024} MiB`)
  }
}
