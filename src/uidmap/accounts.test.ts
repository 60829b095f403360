import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addLines, hasNisEntries, nameProblem, parseGroup, parsePasswd, removeLines } from './accounts.ts'

test('entries are read; comments, NIS lines and garbage are none', () => {
  const text =
    'root:x:0:0:root:/root:/bin/sh\n# no\n+@admins\n-mallory::::::\nhalf:x:1\nbad:x:one:1::/:/\nbig:x:4294967295:0::/:/\n'
  assert.deepEqual(parsePasswd(text), [{ name: 'root', uid: 0, gid: 0, gecos: 'root' }])
  assert.deepEqual(parseGroup('www-data:x:33:alice,bob\nx:y\n'), [
    { name: 'www-data', password: 'x', gid: 33, members: ['alice', 'bob'] },
  ])
  assert.equal(hasNisEntries(text), true)
  assert.equal(hasNisEntries('root:x:0:0:+:/root:/bin/sh\n'), false)
})

test('lines are added behind the last, and before the first that asks the network', () => {
  assert.equal(addLines('a\n', ['b']), 'a\nb\n')
  assert.equal(addLines('a', ['b', 'c']), 'a\nb\nc\n')
  assert.equal(addLines('', ['b']), 'b\n')
  assert.equal(addLines('a\n+@team\n+\n', ['b']), 'a\nb\n+@team\n+\n')
})

test('only the lines that were named are removed, whatever else is in the file', () => {
  const text = 'a\n\nb:\xff\xfe\nc'
  assert.equal(
    removeLines(text, (line) => line === 'a'),
    '\nb:\xff\xfe\nc',
  )
  assert.equal(
    removeLines(text, (line) => line === 'c'),
    'a\n\nb:\xff\xfe\n',
  )
})

test('a name that no user can have is refused', () => {
  assert.equal(nameProblem('dockremap'), null)
  assert.equal(nameProblem('d'.repeat(32)), null)
  assert.match(nameProblem('d'.repeat(33)) ?? '', /longer than 32 characters/)
  for (const name of ['', '1st', 'Big', 'a:b', 'a b', '-a', 'a\n', 'ä'])
    assert.match(nameProblem(name) ?? '', /is no user name/, name)
})
