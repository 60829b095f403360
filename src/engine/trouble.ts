import { UserError } from '../lib/errors.ts'
import { GarbageError } from './fields.ts'
import { type Failure, RequestError } from './http.ts'

const named: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  ECONNREFUSED: 'nothing listens there',
  ENOENT: 'there is no such socket',
  ENOTDIR: 'there is no such socket',
  EAGAIN: 'it takes no more connections',
}

/**
 * The one sentence for a request that failed.
 * @param what what was asked: "list its containers"
 * @param missing what to say where the engine answers that there is no such thing
 */
export function asUserError(error: unknown, address: string, what: string, missing?: string): unknown {
  const failed = `cannot ${what} of the engine at ${address}`
  if (error instanceof GarbageError) {
    return new UserError(`${failed}: it answers garbage: ${error.message}`, { hint: NO_ENGINE, cause: error })
  }
  if (!(error instanceof RequestError)) return error
  if (error.failure.kind === 'refused' && error.failure.status === 404 && missing !== undefined) {
    return new UserError(missing, { cause: error, isMissing: true })
  }
  const { because, hint } = reason(error.failure)
  return new UserError(`${failed}: ${because}`, { ...(hint === undefined ? {} : { hint }), cause: error })
}

const NO_ENGINE = 'check that this is the socket of Docker or Podman'

function reason(failure: Failure): { because: string; hint?: string } {
  switch (failure.kind) {
    case 'connect':
      return {
        because: named[failure.code] ?? failure.code,
        hint:
          failure.code === 'EACCES'
            ? 'run as root, or as a user who may use the engine'
            : 'start the engine, or name its socket with --engine unix:///…',
      }
    case 'slow':
      return {
        because: `no whole answer within ${failure.afterMs / 1000} s`,
        hint: 'see whether the engine hangs (its log)',
      }
    case 'broken-off':
      return { because: 'it broke the connection off half-way', hint: "see the engine's log, then try again" }
    case 'not-http':
      return { because: 'what it answers is not HTTP', hint: NO_ENGINE }
    case 'too-long':
      return { because: `its answer is longer than ${failure.maxBytes / 1024 / 1024} MiB`, hint: NO_ENGINE }
    case 'redirect':
      return { because: `it answers with a redirect (${failure.status})`, hint: NO_ENGINE }
    case 'refused':
      return { because: `it answers ${failure.status}: ${messageOf(failure.body)}` }
    case 'aborted':
      return { because: 'interrupted' }
  }
}

/** Engines put their reason into `{"message": "…"}`. */
function messageOf(body: string): string {
  try {
    const parsed: unknown = JSON.parse(body)
    if (typeof parsed === 'object' && parsed !== null && 'message' in parsed) body = String(parsed.message)
  } catch {
    // Then the text itself.
  }
  const line = body.trim().slice(0, 300)
  return line === '' ? 'without a reason' : line
}
