import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { dynamicId, groupId, userIds } from './account.ts'

test('accounts by name, from the files of the host', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'paddock-account-'))
  t.after(() => {
    rmSync(folder, { recursive: true })
  })
  const [passwd, group] = [join(folder, 'passwd'), join(folder, 'group')]
  writeFileSync(
    passwd,
    'root:x:0:0:root:/root:/bin/sh\npaddock:x:998:997::/nonexistent:/bin/false\nbad:x:-1:x\n',
  )
  writeFileSync(group, 'root:x:0:\npaddock:x:997:\n')
  assert.deepEqual(userIds('paddock', passwd), { uid: 998, gid: 997 })
  assert.deepEqual(userIds('root', passwd), { uid: 0, gid: 0 })
  for (const name of ['bad', 'paddoc', 'x', '', '__proto__']) assert.equal(userIds(name, passwd), null)
  assert.equal(groupId('paddock', group), 997)
  assert.equal(groupId('61184', group), 61184)
  assert.equal(groupId('wheel', group), null)
  assert.equal(groupId('wheel', join(folder, 'none')), null)
})

test('an id of nobody: not a user, not a group, not running, and the same again', (t) => {
  const etc = mkdtempSync(join(tmpdir(), 'paddock-account-'))
  t.after(() => {
    rmSync(etc, { recursive: true })
  })
  writeFileSync(join(etc, 'passwd'), 'a:x:61184:1::/:/bin/sh\n')
  writeFileSync(join(etc, 'group'), 'b:x:61185:\n')
  const first = dynamicId(0, etc)
  assert.ok(first >= 61186 && first <= 65519, String(first))
  assert.equal(dynamicId(65000, etc), 65000)
  for (const before of [61184, 61185, 1000, 65534]) assert.equal(dynamicId(before, etc), first)
})
