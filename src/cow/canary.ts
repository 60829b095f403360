import { createHash, randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { bytePathFromText } from '../lib/byte-path.ts'
import { hasCode } from '../lib/errors.ts'
import { mountOverlay, unmount } from '../lib/libc/mount.ts'
import type { Layer } from './change.ts'
import { expectNothing, scanLayer } from './scan.ts'

export type CanaryResult = { readonly ok: true } | { readonly ok: false; readonly error: string }

/**
 * Proves that a scan sees: a change is made, found with the right content by the code that scans containers, and taken away.
 * @param folder on a real disk, of ours: the overlay is made in it
 */
export async function canaryOnOwnOverlay(folder: string): Promise<CanaryResult> {
  let home: string | null = null
  let mounted: string | null = null
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    home = mkdtempSync(join(folder, 'canary-'))
    const [lower = '', upper = '', work = '', merged = ''] = ['lower', 'upper', 'work', 'merged'].map(
      (name) => join(home ?? '', name),
    )
    for (const path of [lower, upper, work, merged]) mkdirSync(path)
    mountCanary(merged, `lowerdir=${lower},upperdir=${upper},workdir=${work}`)
    mounted = merged
    return await canaryIn({
      upper,
      lowers: [lower],
      dataLowers: [],
      merged,
      xattrPrefix: 'trusted.overlay.',
    })
  } catch (error) {
    return { ok: false, error: `the canary could not be set up: ${(error as Error).message}` }
  } finally {
    if (mounted !== null) unmount(mounted)
    if (home !== null) rmSync(home, { recursive: true, force: true })
  }
}

/** `volatile` (5.10), since taking any other overlay away writes out the whole disk, which can take seconds. */
function mountCanary(target: string, options: string): void {
  try {
    mountOverlay(target, `${options},volatile`)
  } catch (error) {
    if (!hasCode(error, 'EINVAL')) throw error
    mountOverlay(target, options)
  }
}

/** The same in a running container: a file directly in its root directory, written through the container's own root. */
export async function canaryIn(layer: Layer): Promise<CanaryResult> {
  if (layer.merged === null) return { ok: false, error: 'the canary needs a running container' }
  const name = `.paddock-canary-${randomBytes(12).toString('hex')}`
  const path = join(layer.merged, name)
  const content = randomBytes(64)
  try {
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
    const fd = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    try {
      writeSync(fd, content)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    return { ok: false, error: `the canary could not be written: ${(error as Error).message}` }
  }
  try {
    return await seen(layer, `/${name}`, createHash('sha256').update(content).digest('hex'))
  } finally {
    takeAway(path)
  }
}

/** The container may have been faster; what it put there instead is a change like any other, and the scan tells it. */
function takeAway(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ESRCH', 'EISDIR', 'EPERM', 'EROFS')) throw error
  }
}

async function seen(layer: Layer, path: string, sha256: string): Promise<CanaryResult> {
  const wanted = bytePathFromText(path)
  // Only the canary itself is looked at and hashed: all other names of the container are expected here.
  const expectation = {
    ...expectNothing,
    expectsWholeSubtree: (directory: string) => directory !== '/',
    judgeName: (name: string) => ({ expected: name !== wanted, rule: null }),
  }
  let found: string | undefined
  await scanLayer(layer, { expectation, hashes: true }, ({ change }) => {
    if (change.path === wanted && change.kind === 'added') found = change.sha256 ?? ''
  })
  if (found === undefined) return { ok: false, error: 'the canary was written and not found' }
  return found === sha256 ? { ok: true } : { ok: false, error: 'the canary was found with other content' }
}
