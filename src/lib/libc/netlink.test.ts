import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { allocate } from './library.ts'
import { openProcessConnector, parseProcessEvents, type ProcessEvent } from './netlink.ts'
import { readInto } from './poll.ts'

const AT = 3 * 2 ** 40 + 5

/** struct nlmsghdr, struct cn_msg, struct proc_event with its data. */
function datagram(what: number, ...data: number[]): Buffer {
  const bytes = Buffer.alloc(16 + 20 + 16 + Math.max(24, data.length * 4))
  bytes.writeUInt32LE(bytes.length, 0)
  bytes.writeUInt32LE(1, 16)
  bytes.writeUInt32LE(1, 20)
  bytes.writeUInt32LE(what, 36)
  bytes.writeBigUInt64LE(BigInt(AT), 44)
  data.forEach((value, index) => bytes.writeInt32LE(value, 52 + 4 * index))
  return bytes
}

const parse = (bytes: Buffer) => parseProcessEvents(bytes, bytes.length)

test('an execution, a change of user, a start and an end of a process are told', () => {
  assert.deepEqual(parse(datagram(2, 70, 70)), [{ what: 'exec', pid: 70, at: AT }])
  assert.deepEqual(parse(datagram(4, 70, 70)), [{ what: 'user', pid: 70, at: AT }])
  assert.deepEqual(parse(datagram(0x80000000, 70, 70)), [{ what: 'exit', pid: 70, at: AT }])
  assert.deepEqual(parse(datagram(1, 70, 70, 71, 71)), [{ what: 'fork', pid: 71, parentPid: 70, at: AT }])
})

test('threads that start and end are left out, and so is what we do not know', () => {
  assert.deepEqual(parse(datagram(1, 70, 70, 72, 70)), [])
  assert.deepEqual(parse(datagram(0x80000000, 72, 70)), [])
  assert.deepEqual(parse(datagram(0x200, 70, 70)), [])
})

test('a program that a thread starts is told by the process', () => {
  assert.deepEqual(parse(datagram(2, 72, 70)), [{ what: 'exec', pid: 70, at: AT }])
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

test('the kernel tells each descriptor of what it was opened for, and of no threads (as root)', async (t) => {
  const starts = openProcessConnector(['exec', 'user'])
  const lives = openProcessConnector(['fork', 'exit'])
  assert.ok(starts >= 0 && lives >= 0, `the process connector does not open: ${starts}, ${lives}`)
  t.after(() => [starts, lives].forEach((fd) => closeSync(fd)))
  const worker = new Worker('', { eval: true })
  await once(worker, 'exit')
  const child = spawn('true')
  await once(child, 'close')
  await sleep(50)
  const { pid = -1 } = child
  const told = [starts, lives].map((fd) => {
    const { datagrams, events } = drain(fd)
    assert.equal(events.length, datagrams, 'a datagram that says nothing')
    return events.filter((event) => event.pid === pid).map(({ what }) => what)
  })
  assert.deepEqual(told, [['exec'], ['fork', 'exit']])
})

function drain(fd: number): { datagrams: number; events: ProcessEvent[] } {
  const memory = allocate(8192)
  const events: ProcessEvent[] = []
  for (let datagrams = 0; ; datagrams++) {
    const length = readInto(fd, memory)
    if (length <= 0) return { datagrams, events }
    events.push(...parseProcessEvents(memory.bytes, length))
  }
}
