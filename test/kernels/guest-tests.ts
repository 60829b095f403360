import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { mountOverlay, unmount } from '../../src/lib/libc/mount.ts'
import { startVerdicts } from '../../src/sensor/verdict.ts'
import type { FromVerdict } from '../../src/sensor/verdict/messages.ts'

/*
 * Exec verdicts without an engine: the verdict worker looks after an overlay of ours as it does after a container's. Each
 * test runs programs that must not run, or must, and gives a word of how often.
 */

const TRIES = 100
const ID = 'f'.repeat(64)
const RAN = 0

/** A static program, so that nothing but itself is executed. */
const program = '/bin/busybox'

interface Enclosed {
  /** The overlay as its processes see it; `true` and `false` are its image's programs. */
  readonly merged: string
  /** Resolves when so many denied programs were told of. */
  readonly told: (count: number) => Promise<void>
}

export const guestTests: Readonly<Record<string, () => Promise<string>>> = {
  'a dropped program does not run': () =>
    enclosed(async ({ merged, told }) => {
      for (let n = 0; n < TRIES; n++) refused(drop(merged, `dropped-${n}`))
      await told(TRIES)
      return `${TRIES} tries denied and told`
    }),
  'nor when it is tried again and again': () =>
    enclosed(({ merged }) => {
      const path = drop(merged, 'dropped')
      for (let n = 0; n < TRIES; n++) refused(path)
      return `${TRIES} tries denied`
    }),
  'nor by a hard link, another name, or a descriptor of the deleted file': () =>
    enclosed(({ merged }) => {
      for (let n = 0; n < TRIES / 4; n++) {
        const path = drop(merged, 'dropped')
        linkSync(path, join(merged, 'linked'))
        refused(join(merged, 'linked'))
        renameSync(path, join(merged, 'true'))
        refused(join(merged, 'true'))
        const fd = openSync(join(merged, 'linked'), 'r')
        for (const name of ['linked', 'true']) unlinkSync(join(merged, name))
        const { status, error } = spawnSync(`/proc/${process.pid}/fd/${fd}`, ['true'], { argv0: 'true' })
        assert.ok(status !== RAN && error !== undefined, 'the deleted file ran')
        closeSync(fd)
      }
      return `${(TRIES / 4) * 3} tries denied`
    }),
  'a program of the image that was verified and then overwritten does not run': () =>
    enclosed(({ merged }) => {
      const path = join(merged, 'true')
      allowed(path)
      for (let n = 0; n < TRIES; n++) {
        const fd = openSync(path, 'r+')
        writeFileSync(fd, 'x')
        closeSync(fd)
        refused(path)
      }
      return `${TRIES} tries denied`
    }),
  'a program of the image always runs': () =>
    enclosed(({ merged }) => {
      for (let n = 0; n < TRIES; n++) allowed(join(merged, n % 2 === 0 ? 'true' : 'sh'))
      return `${TRIES} runs`
    }),
}

async function enclosed(attack: (inside: Enclosed) => string | Promise<string>): Promise<string> {
  const home = mkdtempSync('/var/tmp/paddock-guest-')
  const at = (name: string): string => join(home, name)
  for (const name of ['lower', 'upper', 'work', 'merged']) mkdirSync(at(name))
  for (const name of ['true', 'sh']) copyFileSync(program, join(at('lower'), name))
  mountOverlay(at('merged'), `lowerdir=${at('lower')},upperdir=${at('upper')},workdir=${at('work')}`)
  const marked = Promise.withResolvers<undefined>()
  const seen = { denied: 0 }
  const verdicts = startVerdicts({
    proc: '/proc',
    changes: -1,
    defaultPolicy: { mode: 'deny', execAllow: [] },
    onDeath: (why) => marked.reject(new Error(why)),
    onMessage(message: FromVerdict) {
      if (message.type === 'marked') marked.resolve(undefined)
      if (message.type !== 'program') return
      if (message.program.fd !== null) verdicts.giveBack(message.program.fd)
      if (message.program.verdict === 'denied') seen.denied++
    },
  })
  try {
    verdicts.send({ type: 'policy', containerId: ID, policy: { mode: 'deny', execAllow: [] } })
    verdicts.send({
      type: 'self-test',
      containerId: ID,
      overlay: { merged: at('merged'), upper: at('upper'), lower: at('lower') },
    })
    await marked.promise
    return await attack({
      merged: at('merged'),
      async told(count) {
        for (let waits = 0; seen.denied < count; waits++) {
          assert.ok(waits < 600, `${seen.denied} of ${count} were told`)
          await sleep(50)
        }
      },
    })
  } finally {
    await verdicts.stop()
    unmount(at('merged'))
    rmSync(home, { recursive: true, force: true })
  }
}

function drop(merged: string, name: string): string {
  const path = join(merged, name)
  copyFileSync(program, path)
  chmodSync(path, 0o755)
  return path
}

function refused(path: string): void {
  const { error } = spawnSync(path, [], { argv0: 'true' })
  assert.equal((error as NodeJS.ErrnoException | undefined)?.code, 'EPERM', `${path} ran`)
}

function allowed(path: string): void {
  const { status, error } = spawnSync(path, [], { argv0: 'true' })
  assert.equal(status, RAN, `${path} did not run: ${error?.message ?? ''}`)
}
