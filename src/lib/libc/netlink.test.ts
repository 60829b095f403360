import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseProcessEvents } from './netlink.ts'

/** struct nlmsghdr, struct cn_msg, struct proc_event with its data. */
function datagram(what: number, ...data: number[]): Buffer {
  const bytes = Buffer.alloc(16 + 20 + 16 + Math.max(24, data.length * 4))
  bytes.writeUInt32LE(bytes.length, 0)
  bytes.writeUInt32LE(1, 16)
  bytes.writeUInt32LE(1, 20)
  bytes.writeUInt32LE(what, 36)
  data.forEach((value, index) => bytes.writeInt32LE(value, 52 + 4 * index))
  return bytes
}

const parse = (bytes: Buffer) => parseProcessEvents(bytes, bytes.length)

test('an execution, a change of user, a start and an end of a process are told', () => {
  assert.deepEqual(parse(datagram(2, 70, 70)), [{ what: 'exec', pid: 70 }])
  assert.deepEqual(parse(datagram(4, 70, 70)), [{ what: 'user', pid: 70 }])
  assert.deepEqual(parse(datagram(0x80000000, 70, 70)), [{ what: 'exit', pid: 70 }])
  assert.deepEqual(parse(datagram(1, 70, 70, 71, 71)), [{ what: 'fork', pid: 71, parentPid: 70 }])
})

test('threads that start and end are left out, and so is what we do not know', () => {
  assert.deepEqual(parse(datagram(1, 70, 70, 72, 70)), [])
  assert.deepEqual(parse(datagram(0x80000000, 72, 70)), [])
  assert.deepEqual(parse(datagram(0x200, 70, 70)), [])
})

test('a program that a thread starts is told by the process', () => {
  assert.deepEqual(parse(datagram(2, 72, 70)), [{ what: 'exec', pid: 70 }])
})

test('messages of other connectors are left out', () => {
  const bytes = datagram(2, 70, 70)
  bytes.writeUInt32LE(9, 16)
  assert.deepEqual(parse(bytes), [])
})

test('whatever the bytes, parsing ends and throws nothing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 256 }), fc.nat(256), (random, length) => {
      const bytes = Buffer.from(random)
      parseProcessEvents(bytes, Math.min(length, bytes.length))
      const framed = Buffer.concat([datagram(2, 1, 1).subarray(0, 36), bytes])
      framed.writeUInt32LE(Math.max(framed.length, 60), 0)
      parseProcessEvents(framed, framed.length)
    }),
    { numRuns: 1000 },
  )
})
