import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { assertAccounted, killAtRandom, makeLoop } from './kill-loop/kill-loop.ts'

/* Shortened here; `npm run soak` does the same for minutes. */

function folder(t: TestContext): string {
  const path = mkdtempSync('/var/tmp/paddock-kill-loop-')
  t.after(() => {
    rmSync(path, { recursive: true })
  })
  return path
}

/** A disk of 32 MiB in that folder, mounted. */
function smallDisk(t: TestContext): { path: string; disk: string } {
  const path = mkdtempSync('/var/tmp/paddock-kill-loop-')
  const [image, disk] = [join(path, 'disk'), join(path, 'mounted')]
  execFileSync('truncate', ['-s', '32M', image])
  execFileSync('mkfs.ext4', ['-q', '-m', '0', '-O', '^has_journal', image])
  mkdirSync(disk)
  execFileSync('mount', ['-o', 'loop', image, disk])
  t.after(() => {
    execFileSync('umount', [disk])
    rmSync(path, { recursive: true })
  })
  return { path, disk }
}

test('both sides killed at random: every finding arrives exactly once', async (t) => {
  const path = folder(t)
  const loop = makeLoop({ folder: path, stateDir: join(path, 'state') })
  const { kills, ...count } = await killAtRandom(loop, 20_000)
  t.diagnostic(JSON.stringify({ kills, ...count }))
  assertAccounted(count)
  assert.equal(count.missing, 0)
  assert.equal(count.reasons['sensor-died'], kills)
})

test('watch away for long, sensor killed meanwhile: all of it arrives afterwards', async (t) => {
  const path = folder(t)
  const loop = makeLoop({ folder: path, stateDir: join(path, 'state'), perSecond: 1500 })
  for (let life = 0; life < 3; life += 1) {
    await loop.startSensor()
    await sleep(2000)
    await loop.killSensor()
  }
  await loop.startSensor()
  loop.startWatch()
  const count = await loop.settle()
  t.diagnostic(JSON.stringify(count))
  assertAccounted(count)
  assert.equal(count.missing, 0)
})

test('a full disk, watch away, both killed: what could not be kept is reported by its number', async (t) => {
  const { path, disk } = smallDisk(t)
  const loop = makeLoop({ folder: path, stateDir: join(disk, 'state'), perSecond: 1000 })
  loop.startWatch()
  await loop.startSensor()
  await sleep(1000)
  const filler = join(disk, 'filler')
  fill(disk, filler)

  // The disk is full and watch is there: its room is used again and again, and nothing is lost.
  await sleep(3000)
  // Nobody takes the findings away any more.
  await loop.killWatch()
  await sleep(3000)
  await loop.killSensor()
  await loop.startSensor()
  await sleep(1000)
  loop.startWatch()
  await sleep(1000)
  await loop.killWatch()
  await sleep(2000)
  rmSync(filler)
  await sleep(1500)
  loop.startWatch()
  const count = await loop.settle()
  t.diagnostic(JSON.stringify(count))
  assertAccounted(count)
  assert.ok(count.missing > 0, 'the disk was never full')
  assert.ok((count.reasons['spool-full'] ?? 0) > 0)
})

/** Leaves no block free. */
function fill(disk: string, path: string): void {
  for (let bytes = 1 << 20; bytes >= 4096;) {
    try {
      writeFileSync(path, Buffer.alloc(bytes, 1), { flag: 'a' })
    } catch {
      bytes /= 2
    }
  }
  execFileSync('sync', ['-f', disk])
  assert.ok(statfsSync(disk).bavail < 8)
}
