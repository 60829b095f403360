import assert from 'node:assert/strict'
import { getuid } from 'node:process'
import { test } from 'node:test'
import { allocate, check, declare, errorText, systemError } from './library.ts'

test('a call gives the result, or minus the error number', () => {
  const getuidC = declare('getuid', 'int', [])
  const close = declare('close', 'int', ['int'])
  assert.equal(getuidC(), getuid?.())
  assert.equal(close(-1), -9)
})

test('memory is shared with the kernel', () => {
  const getcwd = declare('getcwd', 'long', ['address', 'ulong'])
  const memory = allocate(8192)
  assert.equal(getcwd(memory.address + 100, 4096), memory.address + 100)
  assert.equal(memory.bytes.toString('utf8', 100, memory.bytes.indexOf(0, 100)), process.cwd())
  assert.throws(() => allocate(64), RangeError)
})

test('errors look like those of Node', () => {
  const error = systemError(-2, 'openat', '/nowhere')
  assert.equal(error.message, "ENOENT: no such file or directory, openat '/nowhere'")
  assert.equal(error.code, 'ENOENT')
  assert.equal(errorText(-95), 'ENOTSUP: operation not supported on socket')
  assert.throws(() => check(-13, 'openat', 'x'), { code: 'EACCES', syscall: 'openat', path: 'x' })
  assert.equal(check(3, 'openat', 'x'), 3)
})
