import assert from 'node:assert/strict'
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { O_PATH, openPath } from './files.ts'
import { openBeneath } from './resolve.ts'
import { fileHandle } from './handle.ts'

const home = mkdtempSync(join(tmpdir(), 'paddock-resolve-'))
let dir = -1

before(() => {
  mkdirSync(join(home, 'in/deep'), { recursive: true })
  writeFileSync(join(home, 'in/deep/file'), 'x')
  writeFileSync(join(home, 'outside'), 'secret')
  symlinkSync('../outside', join(home, 'in/link'))
  symlinkSync('deep', join(home, 'in/folder-link'))
  dir = openPath(join(home, 'in'), O_PATH | constants.O_DIRECTORY)
  assert.ok(dir >= 0)
})
after(() => {
  closeSync(dir)
  rmSync(home, { recursive: true })
})

test('a whole path is walked below a folder', () => {
  const fd = openBeneath(dir, 'deep/file', constants.O_RDONLY, false)
  assert.equal(readFileSync(fd, 'utf8'), 'x')
  closeSync(fd)
})

test('no link is followed, and no way leads out', () => {
  const open = (path: string) => openBeneath(dir, path, constants.O_RDONLY, true)
  assert.equal(open('link'), -40)
  assert.equal(open('folder-link/file'), -40)
  assert.equal(open('../outside'), -18)
  assert.equal(open('deep/../../outside'), -18)
  assert.equal(open('/etc/passwd'), -18)
  assert.equal(open('missing'), -2)
  assert.equal(open('x'.repeat(5000)), -36)
})

test('a handle is the same for the same file and differs between files', () => {
  const handleOf = (path: string) => {
    const fd = openPath(join(home, path), O_PATH)
    const handle = fileHandle(fd)
    closeSync(fd)
    return handle?.key ?? null
  }
  // A file system without handles (some tmpfs mounts) answers null for all: then there is nothing to compare.
  const first = handleOf('outside')
  assert.equal(handleOf('outside'), first)
  if (first !== null) assert.notEqual(handleOf('in/deep/file'), first)
})
