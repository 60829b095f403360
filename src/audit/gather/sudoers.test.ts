import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Account, Group } from '../facts.ts'
import { sudoPower, sudoUsers } from '../sudo-power.ts'
import { logicalLines, sudoRules } from './sudoers.ts'

const accounts: Account[] = ['root', 'alice', 'bob', 'carol', 'docker'].map((name, index) => ({
  name,
  uid: index === 0 ? 0 : 999 + index,
  gid: 999 + index,
  home: `/home/${name}`,
  shell: '/bin/sh',
  groups: name === 'carol' ? [27] : [],
}))
const groups: Group[] = [{ name: 'sudo', gid: 27, members: ['carol'] }]

function powers(text: string): string[] {
  return sudoRules(logicalLines({ path: '/etc/sudoers', text }), ['pasture']).flatMap((rule) => {
    const power = sudoPower(rule)
    const what = power?.how === 'engine' ? power.command : power?.how
    return what === undefined
      ? []
      : sudoUsers(rule, accounts, groups).map(
          ({ name }) => `${name} ${rule.runAs.join(',')}${rule.noPassword ? ' free' : ''} ${what}`,
        )
  })
}

const cases: readonly (readonly [text: string, gives: readonly string[]])[] = [
  ['alice ALL=(ALL) ALL', ['alice ALL everything']],
  ['%sudo ALL=(ALL:ALL) NOPASSWD: ALL', ['carol ALL free everything']],
  ['alice ALL=/usr/bin/docker', ['alice root /usr/bin/docker']],
  ['alice ALL = NOPASSWD : /usr/bin/docker ps, /usr/bin/docker', ['alice root free /usr/bin/docker']],
  ['alice ALL=/usr/bin/docker ps', []],
  ['alice ALL=/usr/bin/docker ps *', ['alice root /usr/bin/docker ps *']],
  ['alice ALL=/usr/bin/docker -H tcp://x ps', ['alice root /usr/bin/docker -H tcp://x ps']],
  ['alice ALL=/usr/bin/docker ""', []],
  ['alice ALL=/usr/bin/docker exec web sh', ['alice root /usr/bin/docker exec web sh']],
  ['alice ALL=/usr/bin/dockerize', []],
  ['alice ALL=/usr/bin/', ['alice root /usr/bin/']],
  ['alice ALL=/usr/bin/*', ['alice root /usr/bin/*']],
  ['alice ALL=/usr/bin/*, !/usr/bin/docker, !/usr/bin/podman, /bin/true', ['alice root /usr/bin/*']],
  ['alice ALL=/usr/bin/docker, !/usr/bin/docker', []],
  ['alice ALL=/opt/tools/podman', ['alice root /opt/tools/podman']],
  ['alice other=/usr/bin/docker', []],
  ['alice other=/usr/bin/docker : pasture=/usr/bin/podman', ['alice root /usr/bin/podman']],
  [
    'User_Alias OPS = alice, bob\nCmnd_Alias BOX = /usr/bin/docker, /usr/bin/podman\nOPS ALL=(root) BOX',
    ['alice root /usr/bin/docker', 'bob root /usr/bin/docker'],
  ],
  ['User_Alias A = B : B = A\nA ALL=ALL', []],
  [
    'User_Alias OPS = ALL, !bob\nOPS ALL=/usr/bin/docker',
    ['alice root /usr/bin/docker', 'carol root /usr/bin/docker', 'docker root /usr/bin/docker'],
  ],
  [
    'Host_Alias HERE = pasture\nRunas_Alias WHO = bob\nalice HERE=(WHO) /usr/bin/docker',
    ['alice bob /usr/bin/docker'],
  ],
  ['#1000 ALL=/usr/bin/docker # of alice', ['alice root /usr/bin/docker']],
  ['# alice ALL=/usr/bin/docker', []],
  ['alice ALL=\\\n  /usr/bin/docker', ['alice root /usr/bin/docker']],
  ['Defaults !authenticate\nalice ALL=/usr/bin/docker', ['alice root free /usr/bin/docker']],
  [
    'Defaults:alice logfile=/var/log/x=y\nalice ALL=NOPASSWD:SETENV: sha224:abc= /usr/bin/docker',
    ['alice root free /usr/bin/docker'],
  ],
  [
    'alice, bob ALL=(ALL) NOPASSWD: /bin/true, PASSWD: /usr/bin/docker',
    ['alice ALL /usr/bin/docker', 'bob ALL /usr/bin/docker'],
  ],
  ['dockerman ALL=/usr/bin/docker', []],
]

for (const [text, gives] of cases) {
  test(JSON.stringify(text), () => {
    assert.deepEqual(powers(text), gives)
  })
}

test('lines count as an editor counts them, continuations included', () => {
  assert.deepEqual(
    logicalLines({ path: '/x', text: '# one\n\nalice ALL=\\\nALL\nbob ALL=ALL' }).map(({ line, text }) => [
      line,
      text,
    ]),
    [
      [3, 'alice ALL= ALL'],
      [5, 'bob ALL=ALL'],
    ],
  )
})
