import { closeSync, constants, ftruncateSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../lib/errors.ts'

export interface Lock extends Disposable {
  /** The run of a Paddock that ended while it had it, in whatever way; null where the last one gave it back. */
  readonly interrupted: string | null
}

/**
 * Takes the lock of a service, so that two Paddocks never change it at once. The kernel lets go of it when this
 * process ends, however it ends.
 * @param folder the service's state folder; made where it is missing
 * @param doing what for, told to whoever comes second: "upgrade"
 * @param run what tells this process from every other: see Host
 */
export async function lockService(
  folder: string,
  service: string,
  doing: string,
  run: string,
): Promise<Lock> {
  // Loaded here, while compose or the engine is asked: the way to the C library takes half as long to load as Node to start.
  const { takeLock } = await import('../lib/libc/lock.ts')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, 'lock')
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
  if (!takeLock(fd, path)) {
    const [holder = ''] = linesOf(fd)
    closeSync(fd)
    throw new UserError(`cannot ${doing} '${service}': another paddock is at it (${holder})`, {
      hint: 'wait until it is through',
    })
  }
  const [, interrupted = ''] = linesOf(fd)
  ftruncateSync(fd)
  writeSync(fd, `process ${process.pid}, ${doing}, since ${new Date().toISOString()}\n${run}\n`, 0)
  return {
    interrupted: interrupted === '' ? null : interrupted,
    [Symbol.dispose]() {
      ftruncateSync(fd)
      closeSync(fd)
    },
  }
}

function linesOf(fd: number): readonly string[] {
  const bytes = Buffer.alloc(300)
  return bytes
    .subarray(0, readSync(fd, bytes, 0, bytes.length, 0))
    .toString('utf8')
    .split('\n')
}
