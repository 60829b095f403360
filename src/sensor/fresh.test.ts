import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Change } from '../cow/change.ts'
import type { BytePath } from '../lib/byte-path.ts'
import { createFresh } from './fresh.ts'

function changed(path: string, secondsAgo: number | null): Change {
  const ctimeNs = BigInt(Math.round((Date.now() - (secondsAgo ?? 0) * 1000) * 1e6))
  const now = {
    type: 'file',
    mode: 0o644,
    uid: 0,
    gid: 0,
    sizeBytes: 0,
    mtimeNs: 0n,
    ctimeNs,
    inode: 1n,
  } as const
  return {
    path: path as BytePath,
    kind: secondsAgo === null ? 'deleted' : 'added',
    type: 'file',
    now: secondsAgo === null ? null : { ...now, device: 1, links: 1, rdev: 0 },
    was: null,
    xattrs: [],
    fileCapabilities: false,
  }
}

test('what changed just now waits for its event; what did not, or is too much, is told at once', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const fresh = createFresh(3)
  const told: string[] = []
  const keep = (id: string, change: Change): boolean =>
    fresh.keep(id, change, () => void told.push(`${id} ${change.path}`))
  assert.equal(keep('web', changed('/old', 5)), false)
  assert.equal(keep('web', changed('/new', 0)), true)
  assert.equal(keep('web', changed('/new', 0)), true, 'once')
  assert.equal(keep('web', changed('/gone', null)), true, 'of what is gone nobody knows when')
  assert.equal(keep('db', changed('/new', 0)), true)
  assert.equal(keep('db', changed('/more', 0)), false)
  fresh.drop('web', '/new')
  t.mock.timers.tick(999)
  assert.deepEqual(told, [])
  t.mock.timers.tick(1)
  assert.deepEqual(told, ['web /gone', 'db /new'], 'the one whose event came is told by that')
})

test('a container that goes, and the end of the sensor, wait for nothing', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const fresh = createFresh()
  const told: string[] = []
  for (const id of ['web', 'db']) fresh.keep(id, changed('/new', 0), () => void told.push(id))
  fresh.end('web')
  assert.deepEqual(told, ['web'])
  fresh.stop()
  t.mock.timers.tick(5000)
  assert.deepEqual(told, ['web', 'db'])
})
