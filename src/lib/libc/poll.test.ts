import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, writeSync } from 'node:fs'
import { test } from 'node:test'
import { allocate } from './library.ts'
import { createPoll, eventfd, isAlive, pidfdOpen, readInto } from './poll.ts'

test('a poll tells which descriptors can be read, and no more once they are removed', () => {
  const poll = createPoll()
  const [left, right] = [eventfd(), eventfd()]
  assert.equal(poll.add(left), 0)
  assert.equal(poll.add(right), 0)
  assert.deepEqual(poll.wait(0), [])
  writeSync(right, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]))
  assert.deepEqual(poll.wait(0), [right])
  const memory = allocate(4096)
  assert.equal(readInto(right, memory, 8), 8)
  assert.equal(readInto(right, memory, 8), -11)
  writeSync(left, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]))
  poll.remove(left)
  assert.deepEqual(poll.wait(0), [])
  closeSync(left)
  closeSync(right)
})

test('a process of another user is alive, for who has no right over it too', async () => {
  const isRoot = process.geteuid?.() === 0
  const child = isRoot ? spawn('sleep', ['1000'], { uid: 65_534 }) : null
  if (child !== null) await once(child, 'spawn')
  // Without the capabilities that root comes with; who runs this as another user has none over process 1 anyway.
  if (isRoot) process.seteuid?.(1)
  try {
    const pidfd = pidfdOpen(child?.pid ?? 1)
    assert.ok(pidfd >= 0)
    assert.equal(isAlive(pidfd), true)
    closeSync(pidfd)
  } finally {
    if (isRoot) process.seteuid?.(0)
    child?.kill('SIGKILL')
  }
})

test('a pidfd tells that its process ended', async () => {
  const child = spawn('sleep', ['1000'])
  await once(child, 'spawn')
  const pidfd = pidfdOpen(child.pid ?? 0)
  assert.ok(pidfd >= 0)
  const poll = createPoll()
  poll.add(pidfd)
  assert.deepEqual(poll.wait(0), [])
  assert.equal(isAlive(pidfd), true)
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.deepEqual(poll.wait(1000), [pidfd])
  assert.equal(isAlive(pidfd), false)
  closeSync(pidfd)
})
