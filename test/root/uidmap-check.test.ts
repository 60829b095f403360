import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setAttribute } from '../../src/lib/libc/attributes.ts'
import type { Person } from '../../src/uidmap/access.ts'
import { ACCESS_XATTR, serializeAcl } from '../../src/uidmap/acl.ts'
import { checkTenant } from '../../src/uidmap/check.ts'
import { release } from '../../src/uidmap/handle.ts'
import type { Tenant } from '../../src/uidmap/tenant.ts'

/* Each kind of thing that keeps a container out: the component at fault, and that the command it names mends it. */

const base = mkdtempSync('/var/tmp/paddock-uidmap-check-')
chmodSync(base, 0o755)
after(() => {
  rmSync(base, { recursive: true })
})
const map = [{ inside: 0, outside: 200_000, count: 65_536 }]
const app: Person = { name: 'app', uid: 1000, gid: 1000, groups: [], overrides: false }
const HOST_APP = 201_000

let made = 0
function source(owner = HOST_APP, mode = 0o700): string {
  const folder = join(base, `source-${made++}`)
  mkdirSync(folder)
  chownSync(folder, owner, owner)
  chmodSync(folder, mode)
  return folder
}

function problems(path: string, change: Partial<Tenant> = {}, writable = true) {
  const tenant: Tenant = {
    name: 'web',
    running: true,
    maps: { uids: map, gids: map },
    people: [app],
    mounts: [{ type: 'bind', source: path, target: '/data', writable, propagation: '' }],
    runtimeOpensMounts: true,
    confined: true,
    ...change,
  }
  return checkTenant(tenant).flatMap((report) => report.problems)
}

const mended = (mend: string | null | undefined) => execFileSync('sh', ['-c', mend ?? 'false'])

test('the owner of the source', () => {
  const path = source(1000)
  const [found, ...more] = problems(path)
  assert.deepEqual(
    [found?.kind, found?.path, found?.person, found?.lacks, more],
    ['source', path, 'app', 'rwx', []],
  )
  mended(found?.mend)
  assert.deepEqual(problems(path), [])
})

test('one entry below it', () => {
  const path = source()
  writeFileSync(join(path, 'lost'), '')
  chownSync(join(path, 'lost'), 1000, 1000)
  chmodSync(join(path, 'lost'), 0o600)
  const [found] = problems(path)
  assert.deepEqual(
    [found?.kind, found?.path, found?.mend],
    ['tree', join(path, 'lost'), 'paddock uidmap fix web --yes'],
  )
  chownSync(join(path, 'lost'), HOST_APP, HOST_APP)
  assert.deepEqual(problems(path), [])
})

test('a folder above it, for a runtime that mounts as the container’s root', () => {
  const folder = source(0, 0o700)
  const path = join(folder, 'data')
  mkdirSync(path)
  chownSync(path, HOST_APP, HOST_APP)
  const [found, ...more] = problems(path, { runtimeOpensMounts: false })
  assert.deepEqual([found?.kind, found?.path, found?.lacks, more], ['chain', folder, 'x', []])
  // setfacl(1) need not be on this machine.
  assert.equal(found?.mend, `setfacl -m u:200000:x ${folder}`)
  chmodSync(folder, 0o701)
  assert.deepEqual(problems(path, { runtimeOpensMounts: false }), [])
})

test('a file system that is mounted read-only, unless the container is to read alone', () => {
  const path = source()
  execFileSync('mount', [
    '-t',
    'tmpfs',
    '-o',
    `size=1m,uid=${HOST_APP},gid=${HOST_APP},mode=700`,
    'none',
    path,
  ])
  try {
    execFileSync('mount', ['-o', 'remount,ro', path])
    const [found, ...more] = problems(path)
    assert.deepEqual([found?.kind, found?.path, found?.lacks, more], ['read-only', path, 'w', []])
    assert.deepEqual(problems(path, {}, false), [])
    mended(found?.mend)
    assert.deepEqual(problems(path), [])
  } finally {
    execFileSync('umount', [path])
  }
})

test('somebody whose id the map does not hold', () => {
  const [found, ...more] = problems(source(), { people: [{ ...app, name: 'far', uid: 70_000 }] })
  assert.deepEqual([found?.kind, found?.person, found?.mend, more], ['user', 'far', null, []])
  assert.match(found?.why ?? '', /uid 70000 of the container lies outside of the mapped range/)
})

test('an access list lets in, and its mask keeps out', () => {
  const path = source(0)
  const acl = (mask: number) => {
    const fd = openSync(path, 0o10000000)
    setAttribute(
      fd,
      ACCESS_XATTR,
      serializeAcl([
        { tag: 'owner', id: null, permissions: 7 },
        { tag: 'user', id: HOST_APP, permissions: 7 },
        { tag: 'owningGroup', id: null, permissions: 0 },
        { tag: 'mask', id: null, permissions: mask },
        { tag: 'other', id: null, permissions: 0 },
      ]),
    )
    release(fd)
  }
  acl(7)
  assert.deepEqual(problems(path), [])
  acl(4)
  const [found] = problems(path)
  assert.deepEqual([found?.kind, found?.lacks], ['source', 'wx'])
  assert.match(found?.why ?? '', /with an ACL/)
})

test('a source that is not there', () => {
  const [found, ...more] = problems(join(base, 'nowhere/data'))
  assert.deepEqual([found?.kind, more], ['path', []])
  assert.match(found?.why ?? '', /nowhere/)
})
