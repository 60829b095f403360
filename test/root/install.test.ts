import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { AUDIT_WANTED } from '../../src/protocol/audit-news.ts'
import { neededCapabilities } from '../../src/sensor/confine.ts'
import { setUp } from '../../tools/setup.ts'

/* `paddock install` into the tree of a host, and out of it again; and what systemd itself says of the units. */

setUp()
assert.equal(process.getuid?.(), 0, 'installing makes users and gives folders away: run it as root')

const root = mkdtempSync('/var/tmp/paddock-install-')
after(() => rmSync(root, { recursive: true, force: true }))
mkdirSync(join(root, 'etc'))
const before = {
  passwd: 'root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/:/usr/sbin/nologin\n',
  group: 'root:x:0:\nwww-data:x:33:\n',
  shadow: 'root:*:19000:0:99999:7:::\nwww-data:*:19000:0:99999:7:::\n',
  gshadow: 'root:*::\nwww-data:*::\n',
}
for (const [name, text] of Object.entries(before)) writeFileSync(join(root, 'etc', name), text)

function paddock(...args: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['src/bin/paddock.ts', ...args, '--root', root],
    {
      encoding: 'utf8',
    },
  )
  return { code: status, out: stdout, err: stderr }
}

const tree = () => readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()

test('without --yes it shows what it would do, and does nothing', () => {
  const there = tree()
  const { code, out } = paddock('install')
  assert.equal(code, 0)
  for (const line of [
    'add the system group paddock',
    'add the system user paddock',
    'folder /etc/paddock/policy.d, root:root, mode 0755',
    'folder /var/lib/paddock, root:root, mode 0711',
    'folder /var/lib/paddock/watch, paddock:paddock, mode 0700',
    'write /etc/systemd/system/paddock-sensor.service',
    'write /etc/systemd/system/paddock-watch.service',
    'write /etc/systemd/system/paddock-audit.service',
    'write /etc/systemd/system/paddock-audit.timer',
    'write /etc/systemd/system/paddock-audit.path',
    'Nothing was changed',
  ]) {
    assert.ok(out.includes(line), `${line} in:\n${out}`)
  }
  assert.deepEqual(tree(), there)
})

test('with --yes it does it; done again there is nothing to do, and what is amiss is mended', () => {
  const { code, out, err } = paddock('install', '--yes')
  assert.equal(code, 0, out + err)
  const [, , uid, gid, , home, shell] =
    /^paddock:.*$/m.exec(readFileSync(join(root, 'etc/passwd'), 'utf8'))?.[0].split(':') ?? []
  assert.deepEqual([home, shell], ['/nonexistent', '/usr/sbin/nologin'])
  assert.ok(Number(uid) > 0 && Number(uid) < 1000, uid)
  const own = statSync(join(root, 'var/lib/paddock/watch'))
  assert.deepEqual([own.uid, own.gid, own.mode & 0o7777], [Number(uid), Number(gid), 0o700])
  assert.equal(statSync(join(root, 'var/lib/paddock')).mode & 0o7777, 0o711)
  assert.equal(paddock('install', '--yes').out, 'Nothing to do.\n')

  const unit = join(root, 'etc/systemd/system/paddock-watch.service')
  writeFileSync(unit, `${readFileSync(unit, 'utf8')}# older\n`)
  assert.equal(paddock('install', '--yes').out, 'done: write /etc/systemd/system/paddock-watch.service\n')
  assert.doesNotMatch(readFileSync(unit, 'utf8'), /older/)
})

test('a unit that is not ours is neither replaced nor removed', () => {
  const unit = join(root, 'etc/systemd/system/paddock-watch.service')
  const ours = readFileSync(unit, 'utf8')
  writeFileSync(unit, '[Service]\nExecStart=/bin/true\n')
  const { code, err } = paddock('install', '--yes')
  assert.equal(code, 2)
  assert.match(
    err,
    /^paddock: cannot write .*paddock-watch.service: there is one that paddock install did not write; move it away/,
  )
  assert.doesNotMatch(paddock('uninstall').out, /paddock-watch/)
  writeFileSync(unit, ours)
})

test('a herd starts with the host once that is asked for, and stays so', () => {
  mkdirSync(join(root, 'srv/herd'), { recursive: true })
  assert.equal(
    paddock('install', '--herd', '/srv/herd', '--yes').out,
    'done: write /etc/systemd/system/paddock-herd.service\n',
  )
  assert.equal(paddock('install', '--yes').out, 'Nothing to do.\n')
  assert.match(
    readFileSync(join(root, 'etc/systemd/system/paddock-herd.service'), 'utf8'),
    /^Environment=.*PADDOCK_HERD=\/srv\/herd$/m,
  )
  assert.match(paddock('install', '--herd', '/srv/none').err, /there is no herd .*\/srv\/none/)
  assert.match(paddock('install', '--herd', '/srv/%h').err, /cannot name the herd \/srv\/%h in a unit/)
})

test('uninstall keeps what was recorded; with --purge nothing is left', () => {
  writeFileSync(join(root, 'var/lib/paddock/watch/alerts.db'), 'alerts')
  assert.match(
    paddock('uninstall').out,
    /^remove .*paddock-sensor.service\nremove .*paddock-watch.service\n(remove .*paddock-audit\.(service|timer|path)\n){3}remove .*paddock-herd.service\n\nNothing was changed/,
  )
  assert.equal(paddock('uninstall', '--yes').code, 0)
  assert.deepEqual(readdirSync(join(root, 'etc/systemd/system')), [])
  assert.ok(existsSync(join(root, 'var/lib/paddock/watch/alerts.db')))
  assert.equal(paddock('uninstall', '--yes').out, 'Nothing to do.\n')

  const { code, out, err } = paddock('uninstall', '--purge', '--yes')
  assert.equal(code, 0, out + err)
  for (const [name, text] of Object.entries(before))
    assert.equal(readFileSync(join(root, 'etc', name), 'utf8'), text, name)
  for (const path of ['etc/paddock', 'var/lib/paddock']) assert.ok(!existsSync(join(root, path)), path)
})

test('a tree that is no host is refused', () => {
  const { status, stderr } = spawnSync(
    process.execPath,
    ['src/bin/paddock.ts', 'install', '--root', '/var/tmp'],
    { encoding: 'utf8' },
  )
  assert.equal(status, 2)
  assert.match(stderr, /^paddock: cannot install into \/var\/tmp: it has no \/etc\/passwd/)
})

/** As docs/install.md says. */
const exposure = { 'paddock-sensor.service': 3.4, 'paddock-watch.service': 1.4, 'paddock-audit.service': 4.9 }

for (const [name, stated] of Object.entries(exposure)) {
  test(`systemd rates ${name} as the docs say, and finds no fault in it`, () => {
    const unit = join(import.meta.dirname, '../../contrib/systemd', name)
    const rated = execFileSync('systemd-analyze', ['security', '--offline=true', '--no-pager', unit], {
      encoding: 'utf8',
    })
    const rating = Number(/Overall exposure level for \S+: (\d+\.\d)/.exec(rated)?.[1])
    // Versions of systemd weigh a little differently.
    assert.ok(Math.abs(rating - stated) <= 0.5, `${rating}`)
    assert.match(
      readFileSync(join(import.meta.dirname, '../../docs/install.md'), 'utf8'),
      new RegExp(`${name}.*\\b${stated}\\b`),
    )
  })
}

test('systemd finds no fault in what starts the audit and the herd, and it is the file that the sensor makes', () => {
  const folder = join(import.meta.dirname, '../../contrib/systemd')
  for (const name of ['paddock-audit.timer', 'paddock-audit.path', 'paddock-herd.service']) {
    // It is verified with the service beside it, whose program need not lie on this machine.
    const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', join(folder, name)], {
      encoding: 'utf8',
    })
    const faults = stderr.split('\n').filter((line) => line.includes(name))
    assert.deepEqual(faults, [])
  }
  const path = /^PathExists=(.*)$/m.exec(readFileSync(join(folder, 'paddock-audit.path'), 'utf8'))?.[1]
  assert.equal(path, join('/var/lib/paddock', AUDIT_WANTED))
})

test('the sensor keeps of root what it says it needs, no more', () => {
  const unit = readFileSync(join(import.meta.dirname, '../../contrib/systemd/paddock-sensor.service'), 'utf8')
  const kept = /^CapabilityBoundingSet=(.*)$/m.exec(unit)?.[1]?.split(' ').sort()
  assert.deepEqual(kept, Object.keys(neededCapabilities).sort())
})
