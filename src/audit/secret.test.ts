import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settings } from './gather/host.ts'
import { assignments, secretVariables } from './secret.ts'

const secret = [
  'DB_PASSWORD=abcdefgh',
  'dbpassword=abcdefgh',
  'API_KEY=abc12345',
  'AWS_SECRET_ACCESS_KEY=wJalr',
  'X=AKIAABCDEFGHIJKLMNOP',
  'URL=postgres://u:pw1234@db/x',
  'KEY=-----BEGIN RSA PRIVATE KEY-----',
  'SESSION=eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.abc',
  'SSH_KEY=abc',
  'GH=ghp_abcdefghijklmnopqrstuvwxyz0123456789',
]
const harmless = [
  'PATH=/bin',
  'PWD=/srv',
  'DB_PASSWORD_FILE=/run/secrets/db',
  'MYSQL_ALLOW_EMPTY_PASSWORD=yes',
  'MYSQL_RANDOM_ROOT_PASSWORD=1',
  'TOKEN_TTL=3600',
  'GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D',
  'TOKENIZERS_PARALLELISM=x',
  'PASSWORD=',
  'PASSWORD=$OTHER',
  'PUBLIC_KEY=abc',
  'COMPASS=north',
  'URL=http://db:5432/x',
  'KEYBOARD=de',
  'SECRETARY=alice',
]

for (const line of secret)
  test(`${line.split('=')[0] ?? ''} is taken for a secret`, () =>
    assert.deepEqual(secretVariables([line]), [line.split('=')[0]]))
for (const line of harmless) test(`${line} is none`, () => assert.deepEqual(secretVariables([line]), []))

test('assignments of a step, quoted or bare', () => {
  assert.deepEqual(assignments('RUN |2 A_TOKEN=abc B="x y" /bin/sh -c make C=\'z\''), [
    'A_TOKEN=abc',
    'B=x y',
    'C=z',
  ])
})

test('what a container or a user wrote cannot hold the audit up', () => {
  // Half a second of work; with a pattern that runs wild this test does not end.
  for (const part of ['a', 'a.', 'eyJ-', 'A', '//', ' ', '=', '"', ' A='])
    for (const text of [part.repeat(1_000_000), `X=${part.repeat(1_000_000)}`]) {
      secretVariables([text])
      secretVariables(assignments(text))
      settings('f', `DOCKER_HOST=${text}`, null)
      settings('f', text, null)
    }
})
