import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Change } from '../../src/cow/change.ts'
import { planRestore } from '../../src/cow/restore-plan.ts'
import { carryOut } from '../../src/cow/restore.ts'
import { bytePathFromText } from '../../src/lib/byte-path.ts'
import { getXattrAt } from '../../src/lib/libc/files.ts'
import { allocate } from '../../src/lib/libc/library.ts'
import { UserError } from '../../src/lib/errors.ts'
import { attack, baseline, CAPABILITY } from './attack.fixture.ts'
import { changesOf, realOverlay } from './overlay.fixture.ts'

/** What `find` says of a tree, and the sums and xattrs of its files: nothing of ours looks. */
function picture(root: string): string {
  const list = execFileSync('find', [
    root,
    '-mindepth',
    '1',
    '-not',
    '-type',
    'd',
    '-printf',
    '%P|%y|%m|%U|%G|%s|%T@|%l\\n',
  ])
  const folders = execFileSync('find', [root, '-type', 'd', '-printf', '%P|%m|%U|%G\\n'])
  const sums = execFileSync('sh', [
    '-c',
    'cd "$1" && find . -type f -size -100k -exec sha256sum {} +',
    'sh',
    root,
  ])
  return [list, folders, sums].map((text) => text.toString().split('\n').sort().join('\n')).join('\n')
}

async function restoreAll(layer: Parameters<typeof carryOut>[0]): Promise<void> {
  const plan = planRestore(await changesOf(layer), [])
  assert.deepEqual(plan.refused, [])
  for (const { step, error } of await carryOut(layer, plan)) assert.equal(error, null, step.change.path)
}

test('an untouched container has nothing to restore', async (t) => {
  const { layer } = realOverlay(t, baseline)
  assert.deepEqual(planRestore(await changesOf(layer), []), { steps: [], refused: [] })
})

for (const [what, change] of attack) {
  test(`restored exactly: ${what}`, async (t) => {
    const { layer, merged } = realOverlay(t, baseline)
    const before = picture(merged)
    change(merged)
    assert.notEqual(picture(merged), before)
    await restoreAll(layer)
    assert.equal(picture(merged), before)
    assert.deepEqual(await changesOf(layer), [])
  })
}

test('all of it at once, with capabilities and xattrs as the image has them', async (t) => {
  const { layer, merged } = realOverlay(t, baseline)
  const before = picture(merged)
  for (const [, change] of attack) change(merged)
  await restoreAll(layer)
  assert.equal(picture(merged), before)
  assert.deepEqual(await changesOf(layer), [])
  const value = allocate(4096)
  const fd = openSync(join(merged, 'bin'), 'r')
  const length = getXattrAt(fd, 'ping', 'security.capability', value)
  assert.equal(value.bytes.toString('latin1', 0, length), CAPABILITY)
  assert.equal(getXattrAt(fd, 'ping', 'user.other', value), -61)
  closeSync(fd)
})

test('a folder of the image that was removed is refused, and then nothing is done', async (t) => {
  const { layer, merged } = realOverlay(t, baseline)
  rmSync(join(merged, 'var'), { recursive: true })
  writeFileSync(join(merged, 'x'), '')
  const plan = planRestore(await changesOf(layer), [])
  assert.deepEqual(
    plan.refused.map(({ path }) => path),
    ['/var'],
  )
  assert.match(plan.refused[0]?.why ?? '', /only a new container/)
  await assert.rejects(carryOut(layer, plan), /not carried out/)
  mkdirSync(join(merged, 'var'))
  assert.deepEqual(
    planRestore(await changesOf(layer), []).refused.map(({ path }) => path),
    ['/var', '/var/log'],
  )
})

test('what lies under or over a mount is refused', () => {
  const at = (path: string): Change => ({
    path: bytePathFromText(path),
    kind: 'added',
    type: 'directory',
    now: null,
    was: null,
    xattrs: [],
    fileCapabilities: false,
  })
  const changes = ['/data', '/data/x', '/etc/hosts', '/srv', '/srv2'].map(at)
  const { refused, steps } = planRestore(changes, ['/data', '/etc/hosts', '/srv/vol'].map(bytePathFromText))
  assert.deepEqual(
    refused.map(({ path, why }) => `${path}: ${why}`),
    [
      '/data: a volume or bind mount lies over it',
      '/data/x: it cannot be reached behind the volume or bind mount on /data',
      '/etc/hosts: a volume or bind mount lies over it',
      '/srv: a volume or bind mount lies in it, on /srv/vol',
    ],
  )
  assert.deepEqual(
    steps.map(({ change }) => change.path),
    ['/srv2'],
  )
})

test('a mount that came after the plan is neither changed nor taken away', async (t) => {
  const { layer, merged } = realOverlay(t, baseline)
  for (const folder of ['vol', 'tree/vol']) mkdirSync(join(merged, folder), { recursive: true })
  writeFileSync(join(merged, 'etc/hosts'), 'changed')
  const plan = planRestore(await changesOf(layer), [])
  for (const folder of ['vol', 'tree/vol', 'etc']) {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', join(merged, folder)])
    writeFileSync(join(merged, folder, 'hosts'), 'data')
  }
  const outcomes = await carryOut(layer, plan)
  assert.deepEqual(
    outcomes.map(({ step, error }) => [step.change.path, /mount/.test(error ?? '')]),
    [
      ['/tree', true],
      ['/vol', true],
      ['/etc/hosts', true],
    ],
  )
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(merged))
  assert.equal(mounts.length, 4, mounts.join('\n'))
})

test('a stopped container, and one whose root is not that of its layer, are refused', async (t) => {
  const { layer } = realOverlay(t, baseline)
  const other = realOverlay(t, baseline)
  const plan = planRestore([], [])
  await assert.rejects(
    carryOut({ ...layer, merged: null }, plan),
    (error) => error instanceof UserError && /does not run/.test(error.message),
  )
  await assert.rejects(
    carryOut({ ...layer, merged: other.merged }, plan),
    (error) => error instanceof UserError && /not those of its layer/.test(error.message),
  )
  assert.deepEqual(await changesOf(other.layer), [], 'and nothing is left there')
})

test('an intruder who swaps folders for links to the host moves nothing of the host', async (t) => {
  const { layer, merged } = realOverlay(t, baseline)
  const host = realOverlay(t, (lower) => {
    writeFileSync(join(lower, 'passwd'), 'host')
    writeFileSync(join(lower, 'evil'), 'host')
  }).lower
  const before = picture(host)
  // Swaps /etc with a link to the host's folder, as fast as it can.
  const script = `
    const fs = require('node:fs'), root = process.argv[1], host = process.argv[2]
    fs.symlinkSync(host, root + '/trap')
    for (const end = Date.now() + 60_000; Date.now() < end;) {
      try { fs.renameSync(root + '/live', root + '/aside'); fs.renameSync(root + '/trap', root + '/live') } catch {}
      try { fs.renameSync(root + '/live', root + '/trap'); fs.renameSync(root + '/aside', root + '/live') } catch {}
    }`
  mkdirSync(join(merged, 'live'))
  const adversary = spawn(process.execPath, ['-e', script, merged, host], { stdio: 'inherit' })
  t.after(() => {
    adversary.kill('SIGKILL')
  })
  let done = 0
  let refused = 0
  for (let round = 0; round < 20_000 && (done < 100 || refused < 100); round++) {
    for (const name of ['live/evil', 'live/passwd']) {
      try {
        writeFileSync(join(merged, 'aside', name.slice(5)), 'x')
      } catch {
        // The folder is not aside just now.
      }
    }
    const added = (path: string): Change => ({
      path: bytePathFromText(path),
      kind: 'added',
      type: 'file',
      now: null,
      was: null,
      xattrs: [],
      fileCapabilities: false,
    })
    const plan = planRestore([added('/live/evil'), added('/live/passwd')], [])
    for (const { error } of await carryOut(layer, plan)) {
      if (error === null) done++
      else refused++
    }
  }
  assert.equal(picture(host), before)
  assert.ok(done >= 100 && refused >= 100, `the race was never on: ${done} done, ${refused} refused`)
})

test('deep and wide trees are removed', async (t) => {
  const { layer, merged } = realOverlay(t, baseline)
  execFileSync('sh', [
    '-c',
    'cd "$1" && mkdir many && cd many && seq 1000 | xargs touch && perl -e "mkdir(q(d) x 200) && chdir(q(d) x 200) or die for 1..100"',
    'sh',
    merged,
  ])
  await restoreAll(layer)
  assert.deepEqual(await changesOf(layer), [])
  assert.deepEqual(readdirSync(merged).sort(), ['bin', 'dev', 'etc', 'var'])
})

test('what holds a file open does not reach what is restored', async (t) => {
  const { layer, merged } = realOverlay(t, baseline)
  const fd = openSync(join(merged, 'etc/passwd'), 'r+')
  t.after(() => {
    closeSync(fd)
  })
  appendFileSync(fd, 'toor')
  await restoreAll(layer)
  writeFileSync(fd, 'again and again and again')
  assert.equal(readFileSync(join(merged, 'etc/passwd'), 'utf8'), 'root:x:0:0::/root:/bin/sh\n')
  renameSync(join(merged, 'etc/passwd'), join(merged, 'etc/passwd-'))
})
