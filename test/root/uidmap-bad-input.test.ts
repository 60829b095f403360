import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { treeDigest } from '../fixtures/tree-digest.ts'
import { base, host, passwd, uidmap } from '../fixtures/uidmap-host.ts'

/* What cannot be carried out is one sentence, and nothing is touched. */

interface BadInput {
  readonly title: string
  readonly files?: Readonly<Record<string, string>>
  readonly args?: readonly string[]
  readonly says: RegExp
}

const badInputs: readonly BadInput[] = [
  {
    title: 'a range that overlaps another',
    args: ['--base', '150000'],
    says: /^paddock: cannot map to 150000-215535: it overlaps 100000-165535 of 'alice' \(\/etc\/subuid, line 1\); choose another --base\n$/,
  },
  {
    title: 'a range that overlaps in subgid alone',
    files: { subgid: 'bob:200000:10\n' },
    args: ['--base', '200000'],
    says: /cannot map to 200000-265535: it overlaps 200000-200009 of 'bob' \(\/etc\/subgid, line 1\)/,
  },
  {
    title: 'a range that runs backwards',
    args: ['--size=-5'],
    says: /cannot map to that range: the range runs backwards \(count -5\); choose/,
  },
  { title: 'an empty range', args: ['--size', '0'], says: /the range is empty/ },
  { title: 'a range past the last id', args: ['--base', '4294960000'], says: /the last id is 4294967294/ },
  {
    title: 'a range among the machine’s own ids',
    args: ['--base', '1000'],
    says: /the ids below 65536 are the machine's own users and services/,
  },
  {
    title: 'a range that holds a user of this machine',
    files: { passwd: `${passwd}big:x:200500:200500::/:/bin/sh\n` },
    args: ['--base', '200000'],
    says: /cannot map to 200000-265535: user 'big' of this machine has id 200500/,
  },
  {
    title: 'a base that is no number',
    args: ['--base', 'many'],
    says: /cannot use --base many: it is no number/,
  },
  {
    title: 'more than five lines of one user',
    files: { subuid: [2, 3, 4, 5, 6, 7].map((n) => `dockremap:${n}00000:10\n`).join('') },
    says: /cannot use \/etc\/subuid: 'dockremap' has 6 lines, and only the first 5 count/,
  },
  {
    title: 'a malformed line',
    files: { subuid: 'alice:100000:65536\nbob:1e5\n' },
    says: /cannot use \/etc\/subuid: line 2 \('bob:1e5'\): it is not NAME:START:COUNT/,
  },
  {
    title: 'a line with a reversed range',
    files: { subuid: 'bob:300000:-65536\n' },
    says: /line 1 \('bob:300000:-65536'\): the range runs backwards/,
  },
  {
    title: 'another range than the user has',
    files: { subuid: 'dockremap:300000:65536\n', subgid: 'dockremap:300000:65536\n' },
    args: ['--base', '400000'],
    says: /cannot give 'dockremap' that range: \/etc\/subuid gives it 300000-365535 already/,
  },
  {
    title: 'daemon.json with a syntax error',
    files: { 'docker/daemon.json': '{\n  "debug": true,\n}\n' },
    says: /cannot use .*\/etc\/docker\/daemon.json: it is not JSON .*; correct the file; the engine would not start with it either/,
  },
  {
    title: 'daemon.json with a comment',
    files: { 'docker/daemon.json': '{\n  // ours\n  "debug": true\n}\n' },
    says: /line 2 is a comment, and comments are not JSON/,
  },
  {
    title: 'daemon.json that remaps to another user',
    files: { 'docker/daemon.json': '{"userns-remap":"alice"}' },
    says: /cannot remap to 'dockremap': .* remaps to 'alice' already/,
  },
  {
    title: 'the flag on the command line that starts the daemon',
    files: { 'default/docker': 'DOCKER_OPTS="--userns-remap=default"\n' },
    says: /\/etc\/default\/docker starts the daemon with --userns-remap, and it would not start with both/,
  },
  {
    title: 'a name of more than 32 characters',
    args: ['--user', 'd'.repeat(33)],
    says: /the name is longer than 32 characters/,
  },
  {
    title: 'a name that is none',
    args: ['--user', 'a:b'],
    says: /cannot remap to the user 'a:b': the name is no user name/,
  },
  { title: 'root', args: ['--user', 'root'], says: /root remapped to itself is no remapping/ },
  {
    title: 'no system id left',
    files: { 'login.defs': 'SYS_UID_MIN 33\nSYS_UID_MAX 33\n' },
    says: /cannot make a user: every system id from 33 to 33 is taken/,
  },
]

for (const { title, files = {}, args = [], says } of badInputs)
  test(`refused with a sentence, and nothing is touched: ${title}`, async () => {
    const root = host(files)
    const before = treeDigest(root)
    for (const command of [['plan'], ['enable', '--yes']]) {
      const { code, stdout, stderr } = await uidmap(root, ...command, ...args)
      assert.deepEqual([code, stdout], [2, ''])
      assert.match(stderr, says)
      assert.equal(stderr.trim().split('\n').length, 1)
    }
    assert.equal(treeDigest(root), before)
  })

test('a root without etc is refused', async () => {
  const { code, stderr } = await uidmap(join(base, 'nowhere'), 'plan')
  assert.equal(code, 2)
  assert.match(stderr, /^paddock: cannot use --root .*: there is no folder .*\/etc; give a folder/)
})

for (const [service, nsswitch, says] of [
  ['LDAP', 'passwd: files [NOTFOUND=continue] ldap\n', 'ldap'],
  ['SSSD', 'passwd: files systemd sss # users\n', 'sss'],
  ['NIS', 'passwd: files nis\n', 'nis'],
  ['NIS in compat mode', 'passwd: compat\n', 'a directory service'],
] as const)
  test(`refused with a sentence, and nothing is touched: a user of ${service}`, () => {
    const root = host({ 'nsswitch.conf': nsswitch })
    // What the name service answers of a user that is in no file: the machine itself has no such service.
    const bin = join(root, 'bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'getent'), '#!/bin/sh\n[ "$3" = remote ] || exit 2\n', { mode: 0o755 })
    const before = treeDigest(root)
    for (const command of ['plan', 'enable --yes']) {
      const typed = `${process.execPath} src/bin/paddock.ts uidmap ${command} --user`
      const { status, stderr } = onThatEtc(root, `${typed} remote`)
      assert.equal(status, 2, stderr)
      assert.equal(
        stderr,
        `paddock: cannot remap to 'remote': it comes from ${says}, not from /etc/passwd, and the engine would not start while the network is away; choose a --user of this machine, or leave it out\n`,
      )
      if (command === 'plan') assert.equal(onThatEtc(root, `${typed} nobody-knows`).status, 0)
    }
    assert.equal(treeDigest(root), before)
  })

/** As typed on a machine whose /etc that is: only there the name service is asked. */
function onThatEtc(root: string, typed: string) {
  const script = `mount --bind ${root}/etc /etc && exec ${typed}`
  const env = {
    PATH: `${root}/bin:${process.env['PATH'] ?? ''}`,
    PADDOCK_STATE_DIR: join(root, 'state'),
    PADDOCK_CONFIG_DIR: '/nonexistent',
  }
  return spawnSync('unshare', ['--mount', 'sh', '-c', script], { encoding: 'utf8', env })
}
