import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EVENT, parseFanotifyEvents, parseFanotifyName } from './fanotify.ts'

/** One event as the kernel lays it out: struct fanotify_event_metadata, then info records. */
function event(mask: number, fd: number, pid: number, info: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(24)
  head.writeUInt32LE(24 + info.length, 0)
  head[4] = 3
  head.writeUInt16LE(24, 6)
  head.writeBigUInt64LE(BigInt(mask), 8)
  head.writeInt32LE(fd, 16)
  head.writeInt32LE(pid, 20)
  return Buffer.concat([head, info])
}

/** struct fanotify_event_info_fid of type DFID_NAME, padded to four bytes as the kernel does. */
function directoryAndName(handle: Buffer, name: string): Buffer {
  const text = Buffer.from(`${name}\0`, 'latin1')
  const size = (20 + handle.length + text.length + 3) & ~3
  const record = Buffer.alloc(size)
  record[0] = 2
  record.writeUInt16LE(size, 2)
  record.writeUInt32LE(handle.length, 12)
  record.writeInt32LE(1, 16)
  handle.copy(record, 20)
  text.copy(record, 20 + handle.length)
  return record
}

test('events of one read come in order, with descriptor, process and mask', () => {
  const bytes = Buffer.concat([event(EVENT.CLOSE_WRITE, 7, 100), event(EVENT.OPEN_EXEC_PERM, 8, 101)])
  const events = parseFanotifyEvents(bytes, bytes.length)
  assert.deepEqual(
    events.map(({ mask, fd, pid }) => [mask, fd, pid]),
    [
      [EVENT.CLOSE_WRITE, 7, 100],
      [EVENT.OPEN_EXEC_PERM, 8, 101],
    ],
  )
})

test('what lies behind the length that was read is no event', () => {
  const bytes = Buffer.concat([event(EVENT.CLOSE_WRITE, 7, 100), event(EVENT.CLOSE_WRITE, 8, 101)])
  assert.equal(parseFanotifyEvents(bytes, 24).length, 1)
  assert.equal(parseFanotifyEvents(bytes, 47).length, 1)
  assert.equal(parseFanotifyEvents(bytes, 0).length, 0)
})

test('a FID event tells directory and name, a name being bytes', () => {
  const handle = Buffer.from('0123456789ab')
  const bytes = event(EVENT.CREATE, -1, 100, directoryAndName(handle, 'x\xff\ny'))
  const [first] = parseFanotifyEvents(bytes, bytes.length)
  assert.ok(first)
  const name = parseFanotifyName(bytes, first)
  assert.equal(name?.name, 'x\xff\ny')
  // The key is the whole struct file_handle: length, type, data.
  assert.equal(name.handle, `\x0c\0\0\0\x01\0\0\0${handle.toString('latin1')}`)
})

test('an event without a name record has no name', () => {
  const bytes = event(EVENT.CREATE, -1, 100)
  const [first] = parseFanotifyEvents(bytes, bytes.length)
  assert.ok(first)
  assert.equal(parseFanotifyName(bytes, first), null)
})

test('whatever the bytes, parsing ends, stays inside them and throws nothing', () => {
  const records = fc.array(fc.uint8Array({ maxLength: 96 }), { maxLength: 4 })
  fc.assert(
    fc.property(records, fc.boolean(), (parts, framed) => {
      const bytes = Buffer.concat(
        parts.map((part) => (framed ? event(EVENT.CREATE, -1, 1, Buffer.from(part)) : Buffer.from(part))),
      )
      for (const one of parseFanotifyEvents(bytes, bytes.length)) {
        assert.ok(one.end <= bytes.length)
        const name = parseFanotifyName(bytes, one)
        if (name !== null) assert.ok(name.handle.length + name.name.length <= one.end - one.infoStart)
      }
    }),
    { numRuns: 1000 },
  )
})
