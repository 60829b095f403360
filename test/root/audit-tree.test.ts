import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Finding } from '../../src/audit/check.ts'
import { hostTree } from '../../src/audit/gather/host-tree.ts'
import { runAudit } from '../../src/audit/run.ts'
import { host, socketIn } from '../fixtures/audit-tree.ts'

async function failures(root: string, ...ids: string[]): Promise<Finding[]> {
  const report = await runAudit({ root, engine: null })
  return report.findings.filter(
    ({ id, status }) => status === 'fail' && (ids.length === 0 || ids.includes(id)),
  )
}

const names = (findings: readonly Finding[]): string[] => findings.map(({ subject }) => subject.name).sort()
const ways = async (root: string): Promise<string[]> =>
  (await failures(root, 'escape-path')).flatMap(({ details }) => details).sort()

test('a clean host has no way to root and no open file', async () => {
  const root = host()
  await socketIn(root, '/run/docker.sock', 105, 0o660)
  assert.deepEqual(
    await failures(
      root,
      'escape-path',
      'docker-group',
      'daemon-files',
      'api-tcp',
      'sudo-engine',
      'client-keys',
      'client-host',
      'daemon-config',
      'icc',
    ),
    [],
  )
})

test('members of the socket’s group: listed, primary, and none by a name that only looks alike', async () => {
  const root = host({
    '/etc/passwd':
      'root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\nbob:x:1001:105::/home/bob:/bin/sh\ndocker:x:1002:1002::/:/bin/false\nali:x:1003:1003::/:/bin/sh\n',
    '/etc/group': 'root:x:0:\ndocker:x:105:alice\ndockerhub:x:106:ali,docker\n',
  })
  await socketIn(root, '/run/docker.sock', 105, 0o660)
  assert.deepEqual(names(await failures(root, 'docker-group')), ['alice', 'bob'])
  assert.deepEqual(await ways(root), [
    'alice → group docker → /run/docker.sock → root',
    'bob → group docker → /run/docker.sock → root',
  ])
})

test('a socket of another name, group and folder counts; a folder that is closed closes it', async () => {
  const root = host({
    '/etc/group': 'root:x:0:\nops:x:300:alice\n',
    '/usr/lib/systemd/system/docker.service':
      '[Service]\nExecStart=/usr/bin/dockerd -H unix:///opt/engine/api\n',
  })
  await socketIn(root, '/opt/engine/api', 300, 0o660)
  assert.deepEqual(await ways(root), ['alice → group ops → /opt/engine/api → root'])
  chmodSync(join(root, 'opt/engine'), 0o700)
  assert.deepEqual(await ways(root), [])
})

test('a socket that anyone may write to is one way, told once', async () => {
  const root = host()
  await socketIn(root, '/run/docker.sock', 105, 0o666)
  assert.deepEqual(await ways(root), ['anyone on this host → /run/docker.sock → root'])
  assert.deepEqual(
    (await failures(root, 'daemon-files')).map(({ cis, severity }) => [cis, severity]),
    [['3.16', 'critical']],
  )
})

test('/var/run is /run: one socket, not two', async () => {
  const root = host({ '/etc/group': 'root:x:0:\ndocker:x:105:alice\n' })
  await socketIn(root, '/run/docker.sock', 105, 0o660)
  mkdirSync(join(root, 'var'), { recursive: true })
  symlinkSync('/run', join(root, 'var/run'))
  assert.deepEqual(await ways(root), ['alice → group docker → /run/docker.sock → root'])
})

test('who can write what root obeys has a way: unit, drop-in, configuration, program, and the folder above', async () => {
  const root = host({ '/etc/systemd/system/docker.service.d/10.conf': '[Service]\nUser=root\n' })
  chownSync(join(root, 'usr/lib/systemd/system/docker.service'), 1000, 0)
  chmodSync(join(root, 'etc/systemd/system/docker.service.d/10.conf'), 0o666)
  chownSync(join(root, 'etc/docker'), 0, 106)
  chmodSync(join(root, 'etc/docker'), 0o775)
  chownSync(join(root, 'usr/bin'), 1001, 0)
  assert.deepEqual(await ways(root), [
    'alice → /usr/lib/systemd/system/docker.service → root',
    'anyone on this host → /etc/systemd/system/docker.service.d/10.conf → root',
    'bob → /usr/bin/dockerd → root',
    'bob → group dockerhub → /etc/docker → root',
  ])
})

test('sudo: included files, aliases, groups, and becoming someone who is in the group', async () => {
  const root = host({
    '/etc/group': 'root:x:0:\ndocker:x:105:bob\nops:x:300:alice\n',
    '/etc/sudoers': 'Cmnd_Alias BOX = /usr/bin/docker\n@includedir /etc/sudoers.d\n',
    '/etc/sudoers.d/ops': '%ops ALL=(root) NOPASSWD: BOX\nalice ALL=(bob) /bin/sh, /usr/bin/docker\n',
    '/etc/sudoers.d/old.bak': 'bob ALL=NOPASSWD: ALL\n',
    '/etc/sudoers.d/loop': '@include /etc/sudoers\n',
  })
  await socketIn(root, '/run/docker.sock', 105, 0o660)
  assert.deepEqual(names(await failures(root, 'sudo-engine')), ['alice'])
  assert.deepEqual(await ways(root), [
    'alice → sudo /usr/bin/docker → bob → group docker → /run/docker.sock → root',
    'alice → sudo /usr/bin/docker → root',
    'bob → group docker → /run/docker.sock → root',
  ])
})

test('every listener: daemon.json, environment file, socket unit', async () => {
  const tcp = async (files: Readonly<Record<string, string>>): Promise<readonly string[]> =>
    (await failures(host(files), 'api-tcp'))[0]?.details ?? []
  assert.deepEqual(await tcp({ '/etc/docker/daemon.json': '{"hosts":["tcp://0.0.0.0:2375"]}' }), [
    'tcp://0.0.0.0:2375',
  ])
  assert.deepEqual(await tcp({ '/etc/default/docker': 'DOCKER_OPTS="-H tcp://:2375 -D"\n' }), [
    'tcp://127.0.0.1:2375',
  ])
  assert.deepEqual(
    await tcp({ '/etc/systemd/system/docker.socket.d/tcp.conf': '[Socket]\nListenStream=2375\n' }),
    ['tcp://[::]:2375'],
  )
  assert.deepEqual(
    await tcp({ '/etc/docker/daemon.json': '{"hosts":["tcp://0.0.0.0:2376"],"tlsverify":true}' }),
    [],
  )
  assert.deepEqual(await tcp({ '/etc/docker/daemon.json': '{"hosts":["tcp://0.0.0.0:2376"],"tls":true}' }), [
    'tcp://0.0.0.0:2376',
  ])
})

test('a client key that someone may read opens a verified listener to them', async () => {
  const root = host({
    '/etc/docker/daemon.json': '{"hosts":["tcp://0.0.0.0:2376"],"tlsverify":true}',
    '/home/alice/.docker/key.pem': 'KEY',
  })
  chownSync(join(root, 'home/alice/.docker/key.pem'), 1000, 1000)
  chmodSync(join(root, 'home/alice/.docker/key.pem'), 0o644)
  assert.deepEqual(names(await failures(root, 'client-keys')), ['/home/alice/.docker/key.pem'])
  assert.deepEqual(await ways(root), [
    'alice → tcp://0.0.0.0:2376 → root',
    'anyone on this host → tcp://0.0.0.0:2376 → root',
  ])
})

test('DOCKER_HOST in profiles, without what is secret in it', async () => {
  const root = host({
    '/home/bob/.bashrc': 'export DOCKER_HOST=tcp://bob:geheim@build:2375\n',
    '/etc/environment': 'DOCKER_HOST=ssh://build\n',
  })
  const found = await failures(root, 'client-host')
  assert.deepEqual(names(found), ['bob'])
  assert.equal(JSON.stringify(found).includes('geheim'), false)
})

test('audit rules are compared as paths', async () => {
  const root = host({
    '/etc/audit/rules.d/d.rules': '-w /usr/bin/docker -k d\n-w /etc/docker -k d\n# -w /usr/bin/dockerd\n',
  })
  assert.deepEqual(
    (await failures(root, 'audit-rules')).map(({ subject, cis }) => `${cis ?? ''} ${subject.name}`).sort(),
    [
      '1.1.3 /usr/bin/dockerd',
      '1.1.7 /usr/lib/systemd/system/docker.service',
      '1.1.9 /usr/lib/systemd/system/docker.socket',
    ],
  )
})

test('hostile files are neither followed out of the tree, nor waited for, nor believed', async () => {
  const root = host({ '/etc/docker/daemon.json': '{ "proxies": "http://u:geheim@x" ' })
  for (const [path, target] of [
    ['home/alice/.bashrc', '/etc/shadow'],
    ['home/alice/.profile', '../../../../../../etc/passwd'],
    ['home/alice/.zshrc', '.zshrc'],
  ] as const)
    symlinkSync(target, join(root, path))
  mkdirSync(join(root, 'etc/sudoers.d'))
  execFileSync('mkfifo', [join(root, 'etc/sudoers'), join(root, 'home/bob/.bashrc')])
  writeFileSync(join(root, 'home/bob/.profile'), '')
  truncateSync(join(root, 'home/bob/.profile'), 1e12)
  writeFileSync(
    join(root, 'etc/group'),
    Buffer.from([
      0xff, 0x00, 0x3a, 0x0a, 0x64, 0x3a, 0x78, 0x3a, 0x39, 0x39, 0x39, 0x39, 0x39, 0x39, 0x39, 0x39, 0x39,
      0x39, 0x39, 0x3a, 0x0a,
    ]),
  )
  const report = await runAudit({ root, engine: null })
  assert.equal(
    report.findings.find(({ id, status }) => id === 'daemon-config' && status === 'fail')?.evidence,
    '/etc/docker/daemon.json is not valid JSON',
  )
  assert.equal(JSON.stringify(report.findings).includes('geheim'), false)
  assert.equal(hostTree(root).text('/home/alice/.bashrc'), null)
})

test('remote accounts that files cannot tell are unknown, not absent', async () => {
  const root = host({ '/etc/nsswitch.conf': 'passwd: files sss\ngroup: files sss\n' })
  const report = await runAudit({ root, engine: null })
  assert.deepEqual(
    report.findings.filter(({ id }) => id === 'docker-group').map(({ status }) => status),
    ['unknown'],
  )
})

/** What setfacl writes: version 2, then tag, permissions, id of each entry. */
function setAccessList(
  path: string,
  entries: readonly (readonly [tag: number, bits: number, id: number])[],
): void {
  const words = JSON.stringify(entries)
  const script =
    'import os,sys,json,struct;os.setxattr(sys.argv[1],"system.posix_acl_access",struct.pack("<I",2)+b"".join(struct.pack("<HHI",*e) for e in json.loads(sys.argv[2])))'
  execFileSync('python3', ['-c', script, path, words])
}

test('access lists let users and groups in, and their mask keeps them out', async () => {
  const root = host({ '/etc/group': 'root:x:0:\ndocker:x:105:\nops:x:300:bob\n' })
  await socketIn(root, '/run/docker.sock', 105, 0o660)
  const nobody = 0xffffffff
  const list = (mask: number) =>
    [
      [1, 6, nobody],
      [2, 6, 1000],
      [4, 6, nobody],
      [8, 6, 300],
      [16, mask, nobody],
      [32, 0, nobody],
    ] as const
  setAccessList(join(root, 'run/docker.sock'), list(6))
  assert.deepEqual(await ways(root), [
    'alice → /run/docker.sock → root',
    'bob → group ops → /run/docker.sock → root',
  ])
  assert.deepEqual(names(await failures(root, 'docker-group')), ['bob'])
  setAccessList(join(root, 'run/docker.sock'), list(4))
  assert.deepEqual(await ways(root), [])
})

test('a user’s own words and links make no key of somebody else theirs', async () => {
  const root = host({
    '/etc/ssl/private/key.pem': 'SHARED',
    '/home/alice/.bashrc': 'export DOCKER_CERT_PATH=/etc/ssl/private\n',
  })
  symlinkSync('/etc/ssl/private', join(root, 'home/bob/.docker'))
  assert.deepEqual(await failures(root, 'client-keys'), [])
  chownSync(join(root, 'etc/ssl/private/key.pem'), 1000, 1000)
  assert.deepEqual(names(await failures(root, 'client-keys')), ['/etc/ssl/private/key.pem'])
})
