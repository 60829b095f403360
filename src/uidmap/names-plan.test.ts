import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseGroup, parsePasswd } from './accounts.ts'
import type { Host } from './host.ts'
import type { HostFiles } from './host-files.ts'
import { type ImageAccounts, planNames } from './names-plan.ts'

const host: Host = { root: '/nonexistent', stateDir: '/nonexistent' }
const map = [{ inside: 0, outside: 200_000, count: 65_536 }]
const maps = { uids: map, gids: map }

function files(passwd: string, group = 'root:x:0:\n'): HostFiles {
  const daemonJson = { path: '/etc/docker/daemon.json', text: null }
  return { passwd, group, subuid: null, subgid: null, nsswitch: '', loginDefs: '', daemonJson, record: null }
}

function image(name: string, passwd: string, group = ''): ImageAccounts {
  return { image: name, accounts: { users: parsePasswd(passwd), groups: parseGroup(group) } }
}

const ROOT = 'root:x:0:0:root:/root:/bin/bash\n'

function names(images: readonly ImageAccounts[], passwd = ROOT, elsewhere: readonly string[] = []) {
  const plan = planNames(host, files(passwd), maps, images, new Set(elsewhere))
  const after = plan.edits.find(({ path }) => path === '/etc/passwd')?.after ?? passwd
  const lines = after.split('\n').filter((line) => line.includes('Paddock'))
  return { ...plan, lines, shown: plan.users.map(({ name, hostId }) => `${name}=${hostId}`) }
}

test('each id has one name, the one that most images give it', () => {
  const nginx = 'root:x:0:0::/:\nwww-data:x:33:33::/:\n'
  const { shown } = names([
    image('a', nginx),
    image('b', nginx),
    image('c', 'root:x:0:0::/:\napache:x:33:33::/:\n'),
  ])
  assert.deepEqual(shown, ['droot=200000', 'dwww-data=200033'])
})

test('one name for two ids, or a name that is taken, is told apart by the id', () => {
  const images = [
    image('a', 'app:x:1:1::/:\n'),
    image('b', 'app:x:2:2::/:\nweb:x:3:3::/:\n'),
    image('c', 'ldap:x:4:4::/:\n'),
  ]
  const taken = `${ROOT}dweb:x:1001:1001::/home/dweb:/bin/bash\n`
  assert.deepEqual(names(images, taken, ['dldap']).shown, [
    'dapp=200001',
    'dapp-2=200002',
    'dweb-3=200003',
    'dldap-4=200004',
  ])
})

test('an id that has a name on the host keeps it alone', () => {
  const { shown } = names([image('a', 'app:x:1:1::/:\n')], `${ROOT}mine:x:200001:200001::/:/bin/sh\n`)
  assert.deepEqual(shown, [])
})

test('nobody can log in, whatever the image says', () => {
  const { lines } = names([image('a', 'evil::0:0:Paddock:/root:/bin/bash\n', 'evil::0:\n')])
  assert.deepEqual(lines, [
    'devil:*:200000:200000:Paddock uid map, evil of containers:/nonexistent:/usr/sbin/nologin',
  ])
})

test('names that are none on a host are left out, and said to be', () => {
  const passwd = `Big:x:1:1::/:\n${'a'.repeat(32)}:x:2:2::/:\nx/../y:x:3:3::/:\nö:x:4:4::/:\n\x1b[31m:x:5:5::/:\nok:x:6:6::/:\n`
  const { shown, notes, lines } = names([image('evil', passwd)])
  assert.deepEqual(shown, ['dok=200006'])
  assert.equal(lines.length, 1)
  assert.ok(notes.some((note) => /is longer than 32 characters/.test(note)))
})

test('a passwd without end is cut short', () => {
  const many = Array.from({ length: 9000 }, (_, index) => `u${index}:x:${index}:0::/:\n`).join('')
  const { shown, notes } = names([image('evil', many)])
  assert.equal(shown.length, 2000)
  assert.ok(notes.length <= 50)
})

test('said again, the entries are brought up to date and never doubled', () => {
  const first = planNames(host, files(ROOT), maps, [image('a', 'app:x:1:1::/:\n')], new Set())
  const passwd = first.edits.find(({ path }) => path === '/etc/passwd')?.after ?? ''
  assert.deepEqual(planNames(host, files(passwd), maps, [image('a', 'app:x:1:1::/:\n')], new Set()).edits, [])
  const second = planNames(host, files(passwd), maps, [image('b', 'web:x:2:2::/:\n')], new Set())
  assert.equal(
    second.edits[0]?.after,
    `${ROOT}dweb:*:200002:65534:Paddock uid map, web of containers:/nonexistent:/usr/sbin/nologin\n`,
  )
})
