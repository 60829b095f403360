import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseGroup, parseInitgroups, parsePasswd, remoteSources } from './accounts.ts'
import { parseAuditRules } from './audit-rules.ts'
import { parseDaemonFlags } from './daemon-flags.ts'
import { listening, listeningTcp } from './engine-process.ts'
import { settings } from './host.ts'
import { holds, parseMountinfo, placeOf } from './mount-table.ts'
import { parseIdMap, parseStatus } from './running.ts'
import { mergeUnits } from './units.ts'

test('passwd and group: malformed lines and NIS markers are left out', () => {
  assert.deepEqual(parsePasswd('a:x:1:2::/h:/s\n+::::::\n# c\nbad\nb:x:x:2::/h:/s\n'), [
    { name: 'a', uid: 1, gid: 2, home: '/h', shell: '/s' },
  ])
  assert.deepEqual(parseGroup('docker:x:105:alice, bob\nx:y:z:\n'), [
    { name: 'docker', gid: 105, members: ['alice', 'bob'] },
  ])
  assert.deepEqual(
    [...parseInitgroups('alice                105 27\nbob\n')],
    [
      ['alice', [105, 27]],
      ['bob', []],
    ],
  )
})

test('nsswitch names the sources that files do not hold', () => {
  assert.deepEqual(
    remoteSources('passwd: files systemd\ngroup:\tfiles [SUCCESS=merge] sss ldap # x\nhosts: dns'),
    ['sss', 'ldap'],
  )
})

test('dockerd flags in every way they can be written', () => {
  const flags = parseDaemonFlags([
    '-H',
    'unix:///a',
    '--host=tcp://b',
    '-Htcp://c',
    '--icc=false',
    '-D',
    '--tlsverify',
    '--log-opt',
    'max-size=1m',
    '--userns-remap=default',
    '--live-restore=0',
    '-g',
    '/d',
  ])
  assert.deepEqual(Object.fromEntries(flags), {
    hosts: ['unix:///a', 'tcp://b', 'tcp://c'],
    icc: false,
    debug: true,
    tlsverify: true,
    'log-opts': ['max-size=1m'],
    'userns-remap': 'default',
    'live-restore': false,
    'data-root': '/d',
  })
})

test('units merge as systemd merges them: an empty assignment clears', () => {
  const merged = mergeUnits([
    '[Service]\nExecStart=/a \\\n -b\n# c\nUser=x',
    '[Service]\nExecStart=\nExecStart=/c',
  ])
  assert.deepEqual(merged.get('Service.ExecStart'), ['/c'])
  assert.deepEqual(merged.get('Service.User'), ['x'])
})

test('sockets that listen, not those that are connected', () => {
  const table =
    'Num RefCount\n0000: 00000002 00000000 00010000 0001 01 11 /run/docker.sock\n0000: 00000003 00000000 00000000 0001 03 12 /run/docker.sock\n0000: 00000002 00000000 00010000 0001 01 13 @abstract\n0000: 00000002 00000000 00010000 0001 01 14 /run/other name.sock\n'
  assert.deepEqual(listening(table, null), ['/run/docker.sock', '/run/other name.sock'])
  assert.deepEqual(listening(table, new Set(['14'])), ['/run/other name.sock'])
})

test('TCP listeners, IPv4 and IPv6', () => {
  const tail = '00000000:00000000 00:00000000 00000000     0        0'
  const table = `  sl\n   0: 0100007F:0947 00000000:0000 0A ${tail} 11 1\n   1: 00000000:0948 00000000:0000 0A ${tail} 12 1\n   2: 00000000:0949 00000000:0000 01 ${tail} 13 1\n`
  assert.deepEqual(listeningTcp(table, null), ['127.0.0.1:2375', '0.0.0.0:2376'])
  const six = `   0: 00000000000000000000000000000000:0947 00000000000000000000000000000000:0000 0A ${tail} 11 1\n   1: 00000000000000000000000001000000:0947 00000000000000000000000000000000:0000 0A ${tail} 12 1\n   2: B80D0120000000000000000001000000:0947 00000000000000000000000000000000:0000 0A ${tail} 12 1\n`
  assert.deepEqual(listeningTcp(six, null), ['[::]:2375', '[::1]:2375', '[2001:db8:0:0:0:0:0:1]:2375'])
})

test('a place is found through the last mount that covers it', () => {
  const mounts = parseMountinfo(
    '1 0 254:0 / / rw - ext4 /dev/vda rw\n2 1 0:26 / /run rw,nosuid shared:5 - tmpfs tmpfs rw\n3 1 254:0 /data\\040x /mnt ro - ext4 /dev/vda rw\n',
  )
  assert.deepEqual(placeOf('/run/docker.sock', mounts), { device: '0:26', path: '/docker.sock' })
  assert.deepEqual(placeOf('/mnt/a', mounts), { device: '254:0', path: '/data x/a' })
  assert.deepEqual(placeOf('/etc', mounts), { device: '254:0', path: '/etc' })
  assert.deepEqual(
    mounts.map(({ writable }) => writable),
    [true, true, false],
  )
  assert.equal(holds('/var/lib/docker', '/var/lib/dockerx'), false)
})

test('what the kernel says of a process', () => {
  const status = parseStatus(
    'Name:\tx\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t10 11 \nCapEff:\t00000000a80425fb\nCapBnd:\t000001ffffffffff\nNoNewPrivs:\t1\nSeccomp:\t2\n',
  )
  assert.deepEqual(status, {
    uid: 2,
    gid: 6,
    groups: [10, 11],
    effective: 0xa80425fbn,
    bounding: 0x1ffffffffffn,
    noNewPrivileges: true,
    seccomp: 2,
  })
  assert.deepEqual(parseIdMap('         0     200000      65536\n'), [
    { inside: 0, outside: 200000, count: 65536 },
  ])
})

test('audit rules: watches and filters, comments and exclusions not', () => {
  assert.deepEqual(
    parseAuditRules(
      '-w /etc/docker/ -p wa -k d\n# -w /no\n-a exit,always -F path=/run/containerd -F perm=war\n-a never,exit -F path=/usr/bin/docker\n',
    ),
    ['/etc/docker', '/run/containerd'],
  )
})

test('client variables in shell, pam and fish, without what is secret in them', () => {
  const text =
    'export DOCKER_HOST="tcp://me:secret@build:2375?token=x"\n# DOCKER_HOST=no\nCONTAINER_HOST DEFAULT=tcp://a\nset -gx DOCKER_HOST ssh://b; echo\nMY_DOCKER_HOST=x\n'
  assert.deepEqual(
    settings('f', text, null).map(({ line, variable, value }) => [line, variable, value]),
    [
      [1, 'DOCKER_HOST', 'tcp://build:2375'],
      [3, 'CONTAINER_HOST', 'tcp://a'],
      [4, 'DOCKER_HOST', 'ssh://b'],
    ],
  )
})
