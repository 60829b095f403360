import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { bytePathFromText } from '../../src/lib/byte-path.ts'
import { checkDefaults, checkTenant } from '../../src/uidmap/check.ts'
import { applyFix, undoFix } from '../../src/uidmap/fix-apply.ts'
import { openFixLog, readFixLog } from '../../src/uidmap/fix-log.ts'
import { type FixMode, planFix } from '../../src/uidmap/fix-plan.ts'
import { openHost } from '../../src/uidmap/host.ts'
import type { Tenant } from '../../src/uidmap/tenant.ts'

/*
 * The intruder is root in the container that owns the tree, knows this code, and waits for fix: what fix gives away,
 * follows or leaves behind is his.
 */

const base = mkdtempSync('/var/tmp/paddock-uidmap-fix-')
chmodSync(base, 0o755)
mkdirSync(join(base, 'etc'))
after(() => {
  execFileSync('rm', ['-rf', base])
})
const host = openHost(base, join(base, 'state'))

const map = [{ inside: 0, outside: 200_000, count: 65_536 }]

let made = 0
function tree(): string {
  const folder = join(base, `tree-${made++}`)
  mkdirSync(folder)
  writeFileSync(join(folder, 'file'), 'x')
  chmodSync(join(folder, 'file'), 0o640)
  chownSync(join(folder, 'file'), 33, 33)
  return folder
}

function tenant(source: string): Tenant {
  return {
    name: 'web',
    running: true,
    maps: { uids: map, gids: map },
    people: [{ name: 'root', uid: 0, gid: 0, groups: [], overrides: true }],
    mounts: [{ type: 'bind', source, target: '/data', writable: true, propagation: '' }],
    runtimeOpensMounts: true,
    confined: true,
  }
}

function plan(source: string, mode: FixMode = 'owner') {
  const who = tenant(source)
  return planFix(who, checkTenant(who), mode)
}

function fix(source: string, planned = plan(source)) {
  using log = openFixLog(host, `web-${made++}`, planned.changes)
  return { ...applyFix(planned.changes, log), log: log.file }
}

const owner = (path: string) => {
  const { uid, gid } = lstatSync(path)
  return `${uid}:${gid}`
}

const paths = ({ changes }: ReturnType<typeof plan>) => changes.map(({ path }) => path).toSorted()

for (const mode of ['owner', 'acl'] as const)
  test(`a link is never followed (${mode})`, () => {
    const folder = tree()
    const victim = join(base, `victim-${mode}`)
    writeFileSync(victim, 'of the host')
    chmodSync(victim, 0o600)
    symlinkSync(victim, join(folder, 'link'))
    symlinkSync('/', join(folder, 'root'))
    const before = lstatSync(victim, { bigint: true })
    const planned = plan(folder, mode)
    fix(folder, planned)
    const now = lstatSync(victim, { bigint: true })
    assert.deepEqual([now.uid, now.mode, now.ctimeNs], [before.uid, before.mode, before.ctimeNs])
    if (mode === 'owner') assert.equal(owner(join(folder, 'link')), '200000:200000')
    assert.equal(checkTenant(tenant(folder)).flatMap(({ problems }) => problems).length, 0)
  })

test('what is swapped for a link between plan and deed is left alone', () => {
  const folder = tree()
  mkdirSync(join(folder, 'sub'))
  writeFileSync(join(folder, 'sub/passwd'), 'mine')
  const outside = join(base, 'outside')
  mkdirSync(outside)
  writeFileSync(join(outside, 'passwd'), 'of the host')
  const planned = plan(folder)
  renameSync(join(folder, 'sub'), join(folder, 'was'))
  symlinkSync(outside, join(folder, 'sub'))
  rmSync(join(folder, 'file'))
  symlinkSync(join(outside, 'passwd'), join(folder, 'file'))
  const { skipped } = fix(folder, planned)
  assert.equal(owner(join(outside, 'passwd')), '0:0')
  assert.equal(skipped.length, 3)
})

test('the source itself swapped for a link is refused', () => {
  const folder = tree()
  const planned = plan(folder)
  const outside = join(base, 'outside-2')
  mkdirSync(outside)
  renameSync(folder, `${folder}-was`)
  symlinkSync(outside, folder)
  const { changed } = fix(folder, planned)
  assert.deepEqual([changed, owner(outside)], [0, '0:0'])
})

test('a file with a name outside of the tree is an obstacle, however many names it has inside', () => {
  const folder = tree()
  const victim = join(base, 'victim-linked')
  writeFileSync(victim, 'of the host')
  linkSync(victim, join(folder, 'a'))
  linkSync(victim, join(folder, 'b'))
  const { obstacles } = plan(folder)
  assert.match(
    obstacles[0]?.problem ?? '',
    /has 3 names, and only 2 of them in this tree: the change would reach out of it/,
  )
  rmSync(victim)
  assert.deepEqual(plan(folder).obstacles, [])
})

test('a name given to a planned file meanwhile makes it be left alone', () => {
  const folder = tree()
  const planned = plan(folder)
  linkSync(join(folder, 'file'), join(base, 'second-name'))
  const { skipped } = fix(folder, planned)
  assert.match(skipped[0]?.why ?? '', /others changed the number of its names meanwhile/)
  assert.equal(owner(join(base, 'second-name')), '33:33')
})

test('devices, sockets and FIFOs: nothing is opened, nothing of the host is given away', () => {
  const folder = tree()
  execFileSync('mkfifo', [join(folder, 'fifo')])
  execFileSync('mknod', [join(folder, 'disk'), 'b', '7', '0'])
  const { changes, skipped } = plan(folder)
  assert.deepEqual(
    skipped.map(({ path, why }) => [path, why]),
    [[join(folder, 'disk'), 'it is a socket or a device: whoever may use it has what stands behind it']],
  )
  assert.ok(changes.some(({ path }) => path === '/fifo'))
  fix(folder)
  assert.equal(owner(join(folder, 'disk')), '0:0')
})

test('another mount in the tree is not entered', () => {
  const folder = tree()
  mkdirSync(join(folder, 'mounted'))
  const script = `mount -t tmpfs none ${folder}/mounted && touch ${folder}/mounted/secret && exec "$0" --input-type=module -e "$1"`
  const code = `
    const { openChain } = await import('./src/uidmap/chain.ts')
    const { walkTree } = await import('./src/uidmap/tree.ts')
    const chain = openChain(${JSON.stringify(folder)})
    const skipped = []
    const seen = [...walkTree(chain.fd, (one) => skipped.push(one))].map(({ path }) => path)
    console.log(JSON.stringify({ seen: seen.toSorted(), skipped }))`
  const { stdout, stderr } = spawnSync('unshare', ['--mount', 'sh', '-c', script, process.execPath, code], {
    encoding: 'utf8',
  })
  assert.deepEqual(JSON.parse(stdout === '' ? JSON.stringify(stderr) : stdout), {
    seen: ['/', '/file'],
    skipped: [{ path: '/mounted', why: 'another mount lies there' }],
  })
})

test('names are bytes, and trees are deep', () => {
  const folder = tree()
  const odd = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0x0a, 0xff, 0x1b, 0x5b])])
  writeFileSync(odd, '')
  let deep = folder
  for (let level = 0; level < 30; level++) {
    deep = join(deep, 'd'.repeat(100))
    mkdirSync(deep)
  }
  const { changed, skipped, log } = fix(folder)
  assert.deepEqual([changed, skipped], [33, []])
  assert.equal(lstatSync(odd).uid, 200_000)
  assert.deepEqual(undoFix(readFixLog(log)), { changed: 33, skipped: [] })
  assert.deepEqual([lstatSync(odd).uid, owner(deep), owner(join(folder, 'file'))], [0, '0:0', '33:33'])
})

test('setuid files come back only as they were: one that the container wrote to since stays harmless', () => {
  const folder = tree()
  for (const name of ['kept', 'written']) {
    writeFileSync(join(folder, name), 'program')
    chmodSync(join(folder, name), 0o4755)
  }
  const { log } = fix(folder)
  assert.equal(lstatSync(join(folder, 'kept')).mode & 0o7777, 0o4755)
  // As the container, which owns it now: its own words, the bits and the time set back.
  writeFileSync(join(folder, 'written'), 'EVIL!!!')
  chmodSync(join(folder, 'written'), 0o4755)
  const { skipped } = undoFix(readFixLog(log))
  assert.match(skipped[0]?.why ?? '', /setuid bits or capabilities were not put back/)
  assert.deepEqual(
    [owner(join(folder, 'written')), lstatSync(join(folder, 'written')).mode & 0o7777],
    ['0:0', 0o755],
  )
  assert.deepEqual(
    [owner(join(folder, 'kept')), lstatSync(join(folder, 'kept')).mode & 0o7777],
    ['0:0', 0o4755],
  )
})

test('folders of the system are never given away', () => {
  for (const source of ['/etc', '/usr/bin', '/var/lib', '/']) {
    const who = tenant(source)
    const { changes, skipped } = planFix(
      who,
      checkTenant(who, { ...checkDefaults, entryLimit: 100 }),
      'owner',
    )
    assert.deepEqual(
      changes.filter(({ root }) => root === source),
      [],
    )
    assert.match(
      skipped.find(({ path }) => path === bytePathFromText(source))?.why ?? '',
      /never given to a container/,
      source,
    )
  }
})

test('a link on the way to the source is followed only where root alone can have put it there', () => {
  const open = join(base, 'open')
  mkdirSync(open)
  chmodSync(open, 0o777)
  const folder = tree()
  symlinkSync(folder, join(open, 'link'))
  symlinkSync(folder, join(base, 'link'))
  const reports = checkTenant(tenant(join(open, 'link')))
  assert.match(
    reports[0]?.problems[0]?.why ?? '',
    /open\/link is a symbolic link that others than root can change/,
  )
  assert.deepEqual(paths(plan(join(open, 'link'))), [])
  assert.deepEqual(paths(plan(join(base, 'link'))), ['/', '/file'])
})

test('a tree that changes all the time ends, and only its own entries change', () => {
  const folder = tree()
  for (let index = 0; index < 200; index++) writeFileSync(join(folder, `f${index}`), '')
  const victim = join(base, 'victim-race')
  mkdirSync(victim)
  writeFileSync(join(victim, 'f'), '')
  const planned = plan(folder)
  const swap = spawn(
    'sh',
    [
      '-c',
      `while :; do mv ${folder} ${folder}.x; ln -s ${victim} ${folder}; rm ${folder}; mv ${folder}.x ${folder}; done 2>/dev/null`,
    ],
    { detached: true },
  )
  try {
    for (let round = 0; round < 20; round++) fix(folder, planned)
  } finally {
    process.kill(-(swap.pid ?? 0), 'SIGKILL')
  }
  assert.deepEqual([owner(victim), owner(join(victim, 'f'))], ['0:0', '0:0'])
  assert.deepEqual(readdirSync(victim), ['f'])
})
