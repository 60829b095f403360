import assert from 'node:assert/strict'
import { stripVTControlCharacters } from 'node:util'
import { test } from 'node:test'
import type { Finding } from '../../protocol/findings.ts'
import { styleFor } from '../style.ts'
import { findingLine } from './finding-line.ts'

const finding: Finding = {
  version: 1,
  number: 1,
  at: '2026-11-28T12:20:55.124Z',
  kind: 'exec',
  source: 'fanotify',
  severity: 'high',
  reasons: ['program-denied'],
  summary: 'web: /tmp/.x was not allowed to run: not in the image',
  container: { id: 'a'.repeat(64), name: 'web', image: 'herd/web:live', engine: 'docker' },
  group: 'a',
  count: 1,
  exec: { verdict: 'denied', from: 'layer' },
  byExec: true,
}
const line = (one: Finding): string =>
  stripVTControlCharacters(findingLine(one, styleFor(process.stdout, {})))

test('a finding is one line, in which its container is named once', () => {
  assert.equal(
    line(finding),
    '12:20:55.124  HIGH      web           /tmp/.x was not allowed to run: not in the image  DENIED  through docker exec',
  )
  assert.match(
    line({ ...finding, summary: 'a shell wrote /x', count: 3 }),
    / web {11}a shell wrote \/x \(3 times\) /,
  )
  assert.match(line({ ...finding, container: null, summary: 'overflow' }), / paddock {7}overflow /)
})
