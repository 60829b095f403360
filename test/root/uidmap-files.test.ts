import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { appendFileSync, cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { treeDigest } from '../fixtures/tree-digest.ts'
import { base, etc, host, passwd, uidmap, usual } from '../fixtures/uidmap-host.ts'

/* The files of a host, without an engine: whatever happens, nothing is ever half-done. */

test('what turns remapping off in silence is told, and replaced by enable', async () => {
  const root = host({ 'docker/daemon.json': '{"userns-remap": "root"}' })
  const status = await uidmap(root, 'status')
  assert.equal(status.code, 1)
  assert.match(status.stdout, /userns-remap: root, which turns remapping off with only a warning/)
  const before = etc(root)
  assert.equal((await uidmap(root, 'enable', '--yes')).code, 0)
  assert.equal(readFileSync(join(root, 'etc/docker/daemon.json'), 'utf8'), '{"userns-remap": "dockremap"}')
  assert.equal((await uidmap(root, 'disable', '--yes')).code, 0)
  assert.equal(etc(root), before)
})

test('users of a directory service: our lines come before NIS’s, and a plan of a copy says that it is not known', async () => {
  const root = host({ passwd: `${passwd}+::::::\n`, 'nsswitch.conf': 'passwd: files ldap sss\n' })
  const { stdout } = await uidmap(root, 'enable', '--yes')
  assert.match(stdout, /Note: whether ldap, sss knows a user 'dockremap' is not known: /)
  assert.match(readFileSync(join(root, 'etc/passwd'), 'utf8'), /\ndockremap:.*\n\+::::::\n$/)
})

test('the first range that is free is taken, and a user’s own range where it has one', async () => {
  const full = host({ subuid: 'alice:200000:65536\n' })
  assert.match((await uidmap(full, 'plan')).stdout, /^\+dockremap:300000:65536$/m)
  const own = host({ subuid: 'dockremap:700000:65536\n', subgid: 'dockremap:700000:65536\n' })
  const { stdout } = await uidmap(own, 'plan')
  assert.match(stdout, /uids 0-65535 → 700000-765535/)
  assert.doesNotMatch(stdout, /etc\/subuid/)
})

test('what others wrote since stays, and what enable added goes', async () => {
  const root = host()
  await uidmap(root, 'enable', '--yes')
  appendFileSync(join(root, 'etc/passwd'), 'carol:x:1001:1001::/home/carol:/bin/sh\n')
  writeFileSync(join(root, 'etc/docker/daemon.json'), '{"userns-remap": "dockremap", "ipv6": true}')
  const { code, stdout } = await uidmap(root, 'disable', '--yes')
  assert.equal(code, 0)
  assert.match(stdout, /Note: .*\/etc\/passwd was changed by others since/)
  assert.equal(
    readFileSync(join(root, 'etc/passwd'), 'utf8'),
    `${passwd}carol:x:1001:1001::/home/carol:/bin/sh\n`,
  )
  assert.equal(readFileSync(join(root, 'etc/docker/daemon.json'), 'utf8'), '{"ipv6": true}')
  assert.equal(readFileSync(join(root, 'etc/subuid'), 'utf8'), usual['subuid'])
})

test('files that were not there are not there again', async () => {
  const root = host()
  for (const name of ['subuid', 'subgid', 'docker']) rmSync(join(root, 'etc', name), { recursive: true })
  const before = treeDigest(root)
  assert.equal((await uidmap(root, 'enable', '--yes')).code, 0)
  assert.ok(existsSync(join(root, 'etc/docker/daemon.json')))
  assert.equal((await uidmap(root, 'disable', '--yes')).code, 0)
  assert.equal(treeDigest(root), before)
})

describe('the power may fail after any file', () => {
  const script = (what: string, root: string, files: number) => `
    const { openHost } = await import('./src/uidmap/host.ts')
    const { readHostFiles } = await import('./src/uidmap/host-files.ts')
    const { planEnable } = await import('./src/uidmap/enable-plan.ts')
    const { planDisable } = await import('./src/uidmap/disable-plan.ts')
    const { writeEnable, writeDisable } = await import('./src/uidmap/write-plan.ts')
    const host = openHost(${JSON.stringify(root)}, undefined)
    const files = readHostFiles(host, '/etc/docker/daemon.json')
    let left = ${files}
    const fail = () => { if (--left === 0) process.kill(process.pid, 'SIGKILL') }
    const request = { user: 'dockremap', base: null, size: null, inDirectory: null }
    if (${JSON.stringify(what)} === 'enable')
      writeEnable(host, files, planEnable(host, files, request), '/etc/docker/daemon.json', null, fail)
    else writeDisable(host, files, planDisable(host, files), fail)`
  function failAfter(what: string, root: string, files: number) {
    const { signal, stderr } = spawnSync(
      process.execPath,
      ['--input-type=module', '-e', script(what, root, files)],
      {
        encoding: 'utf8',
      },
    )
    assert.equal(signal, 'SIGKILL', stderr)
  }

  for (const files of [1, 3, 5])
    test(`enable, ${files} of 5 files: it is taken up, or taken back`, async () => {
      const whole = host()
      await uidmap(whole, 'enable', '--yes')
      const root = host()
      const before = etc(root)
      failAfter('enable', root, files)
      const copy = `${root}-copy`
      cpSync(root, copy, { recursive: true })

      assert.equal((await uidmap(root, 'enable', '--yes')).code, 0)
      assert.equal(etc(root), etc(whole))
      assert.equal((await uidmap(root, 'disable', '--yes')).code, 0)
      assert.equal(etc(root), before)

      assert.equal((await uidmap(copy, 'disable', '--yes')).code, 0)
      assert.equal(etc(copy), before)
    })

  for (const files of [1, 4])
    test(`disable, ${files} of 5 files: it is taken up`, async () => {
      const root = host()
      const before = etc(root)
      await uidmap(root, 'enable', '--yes')
      failAfter('disable', root, files)
      assert.equal((await uidmap(root, 'disable', '--yes')).code, 0)
      assert.equal(etc(root), before)
    })
})

test('a read-only etc is said to be one, and nothing is left behind', () => {
  const root = host()
  const before = treeDigest(root)
  const paddock = `${process.execPath} src/bin/paddock.ts uidmap enable --yes --root ${root}`
  const script = `mount --bind ${root}/etc ${root}/etc && mount -o remount,ro,bind ${root}/etc && exec ${paddock}`
  const { status, stderr } = spawnSync('unshare', ['--mount', 'sh', '-c', script], { encoding: 'utf8' })
  assert.equal(status, 2, stderr)
  assert.match(
    stderr,
    /^paddock: cannot write .*: read-only file system; nothing was changed; mount the file system writable/,
  )
  assert.equal(treeDigest(root), before)
})

test('a file that cannot be replaced takes back those before it', () => {
  const root = host()
  const before = treeDigest(root)
  // A mount of its own: rename onto it fails with EBUSY, as in a container that is given single files.
  const file = `${root}/etc/subuid`
  const paddock = `${process.execPath} src/bin/paddock.ts uidmap enable --yes --root ${root}`
  const { status, stderr } = spawnSync(
    'unshare',
    ['--mount', 'sh', '-c', `mount --bind ${file} ${file} && exec ${paddock}`],
    {
      encoding: 'utf8',
    },
  )
  assert.equal(status, 2, stderr)
  assert.match(stderr, /^paddock: cannot write .*subuid: .*; nothing was changed; it is a mount of its own/)
  assert.equal(treeDigest(root), before)
})

test('a lock that a running program holds is respected', async () => {
  const root = host()
  writeFileSync(join(root, 'etc/passwd.lock'), String(process.ppid))
  const before = treeDigest(root)
  const { code, stderr } = await uidmap(root, 'enable', '--yes')
  assert.equal(code, 2)
  assert.match(stderr, /process \d+ holds it; nothing was changed; try again/)
  assert.equal(treeDigest(root), before)
})

test('a link that leads out of the root is not followed', async () => {
  const root = host()
  const outside = join(base, 'outside')
  writeFileSync(outside, usual['subuid'] ?? '')
  rmSync(join(root, 'etc/subuid'))
  execFileSync('ln', ['-s', outside, join(root, 'etc/subuid')])
  const { code, stderr } = await uidmap(root, 'enable', '--yes')
  assert.equal(code, 2)
  assert.match(stderr, /it is a symbolic link to .*, outside of --root/)
  assert.equal(readFileSync(outside, 'utf8'), usual['subuid'])
})
