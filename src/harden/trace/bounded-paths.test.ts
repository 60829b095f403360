import assert from 'node:assert/strict'
import { test } from 'node:test'
import { boundedPaths } from './bounded-paths.ts'

test('a path counts once, and what does not fit is told instead of held', () => {
  const room = { bytes: 300 }
  const [one, other] = [boundedPaths(room), boundedPaths(room)]
  for (let again = 0; again < 100; again++) one.add('/etc/passwd')
  other.add('/etc/group')
  assert.deepEqual([one.complete, other.complete], [true, true])
  other.add(`/${'x'.repeat(4000)}`)
  other.add('/etc/group')
  assert.deepEqual([...other.paths], ['/etc/group'])
  assert.deepEqual([one.complete, other.complete], [true, false])
  for (let number = 0; number < 1000; number++) one.add(`/${number}`)
  assert.ok(one.paths.size < 4 && !one.complete)
})
