import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Change, Entry } from '../cow/change.ts'
import type { BytePath } from '../lib/byte-path.ts'
import { createTold } from './told.ts'

const WEB = 'web'
const entry: Entry = {
  type: 'file',
  mode: 0o100644,
  uid: 0,
  gid: 0,
  sizeBytes: 5,
  mtimeNs: 1n,
  ctimeNs: 1n,
  inode: 1n,
  device: 1,
  links: 1,
  rdev: 0,
}

function change(now: Partial<Entry> | null, more: Partial<Change> = {}): Change {
  return {
    path: '/etc/x' as BytePath,
    kind: now === null ? 'deleted' : 'added',
    type: 'file',
    now: now === null ? null : { ...entry, ...now },
    was: null,
    xattrs: [],
    fileCapabilities: false,
    ...more,
  }
}

describe('what was told', () => {
  test('the same state is told once, by whichever source; another content, owner or right is news', () => {
    const told = createTold()
    assert.ok(told.isNews(WEB, change({}, { sha256: 'a' })))
    assert.ok(!told.isNews(WEB, change({}, { sha256: 'a' })))
    assert.ok(!told.isNews(WEB, change({ ctimeNs: 9n }, { sha256: 'a' })), 'the same content written again')
    assert.ok(told.isNews(WEB, change({}, { sha256: 'b' })))
    assert.ok(told.isNews(WEB, change({ mode: 0o104755 }, { sha256: 'b' })))
    assert.ok(told.isNews(WEB, change({ uid: 1 }, { sha256: 'b' })))
    assert.ok(told.isNews(WEB, change({ uid: 1 }, { sha256: 'b', fileCapabilities: true })))
    assert.ok(told.isNews(WEB, change(null)))
    assert.ok(!told.isNews(WEB, change(null)))
    assert.ok(told.isNews('db', change(null)), 'of another container')
  })

  test('without a hash the change time decides: a set-back modification time hides nothing', () => {
    const told = createTold()
    assert.ok(told.isNews(WEB, change({ ctimeNs: 1n })), 'in a burst, unread')
    assert.ok(!told.isNews(WEB, change({ ctimeNs: 1n }, { sha256: 'a' })), 'the sweep reads it')
    assert.ok(told.isNews(WEB, change({ ctimeNs: 2n }, { sha256: 'b' })), 'rewritten, same size and mtime')
    const other = createTold()
    assert.ok(other.isNews(WEB, change({ ctimeNs: 1n })))
    assert.ok(other.isNews(WEB, change({ ctimeNs: 2n }, { sha256: 'b' })))
  })

  test('a sweep need not read again what is as it was', () => {
    const told = createTold()
    told.isNews(WEB, change({}, { sha256: 'a' }))
    assert.deepEqual(told.unchanged(WEB, change({})), { sha256: 'a' })
    assert.equal(told.unchanged(WEB, change({ ctimeNs: 2n })), null)
    assert.equal(told.unchanged(WEB, change({ mode: 0o100600 })), null)
  })

  test('what is back as in the image is forgotten, and so is a removed container', () => {
    const told = createTold()
    told.isNews(WEB, change({}, { sha256: 'a' }))
    told.forget(WEB, '/etc/x')
    assert.ok(told.isNews(WEB, change({}, { sha256: 'a' })))
    told.forgetContainer(WEB)
    assert.ok(told.isNews(WEB, change({}, { sha256: 'a' })))
  })

  test('memory is bounded: too many at once, and all may be told again', () => {
    const told = createTold(2)
    for (const path of ['/a', '/b', '/c'] as BytePath[]) assert.ok(told.isNews(WEB, change({}, { path })))
    assert.ok(told.isNews(WEB, change({}, { path: '/a' as BytePath })))
  })
})
