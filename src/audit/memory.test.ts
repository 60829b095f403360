import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeAuditMessage, encodeAuditMessage } from '../protocol/audit-news.ts'
import type { Finding } from './check.ts'
import { learn, type Memory, parseMemory } from './memory.ts'
import { newsOf } from './news.ts'

const DAY_MS = 86_400_000
const engine = 'unix:///run/docker.sock'
const day = (number: number) => ({ engine, at: new Date(1_800_000_000_000 + number * DAY_MS) })

function finding(
  id: string,
  kind: Finding['subject']['kind'],
  name: string,
  change: Partial<Finding> = {},
): Finding {
  return {
    id,
    cis: null,
    status: 'fail',
    severity: 'medium',
    subject: { kind, name },
    title: `${id} is so`,
    evidence: `seen of ${name}`,
    remedy: '',
    details: [],
    fixable: false,
    ...change,
  }
}

/** Audits day by day: the names of what each tells. */
function days(...audits: readonly (readonly Finding[])[]): string[] {
  let memory: Memory | null = null
  return audits.map((findings, number) => {
    const learnt = learn(memory, findings, day(number))
    memory = parseMemory(JSON.stringify(learnt.memory))
    assert.notEqual(memory, null)
    return learnt.worse.map(({ id, subject }) => `${id} ${subject.name}`).join(', ')
  })
}

const pass = { status: 'pass' } as const

test('the first audit tells nothing, the next what is new, once', () => {
  const [old, added] = [finding('icc', 'daemon', 'docker'), finding('privileged', 'container', 'web')]
  assert.deepEqual(days([old], [old, added], [old, added]), ['', 'privileged web', ''])
})

test('what was mended tells nothing, and is news when it comes back', () => {
  const bad = finding('privileged', 'container', 'web')
  assert.deepEqual(days([], [bad], [{ ...bad, ...pass }], [bad]), [
    '',
    'privileged web',
    '',
    'privileged web',
  ])
  // A person has no line once the group is left: that is mended too.
  const alice = finding('docker-group', 'user', 'alice')
  assert.deepEqual(days([], [alice], [], [alice]), ['', 'docker-group alice', '', 'docker-group alice'])
})

test('a container that is made anew each day is told once, and again when it was away for more than a month', () => {
  const bad = finding('privileged', 'container', 'nightly')
  const other = finding('icc', 'daemon', 'docker')
  assert.deepEqual(days([], [bad], [other], [bad]), ['', 'privileged nightly', 'icc docker', ''])
  const away = Array.from({ length: 31 }, () => [other])
  assert.equal(days([other, bad], ...away, [bad, other]).at(-1), 'privileged nightly')
})

test('graver, and one detail more, are news; milder and one detail less are not', () => {
  const at = (severity: Finding['severity'], ...details: string[]) => [
    finding('host-mounts', 'container', 'web', { severity, details }),
  ]
  assert.deepEqual(
    days(at('medium', '/etc'), at('high', '/etc'), at('low', '/etc'), at('low', '/etc', '/proc'), at('low')),
    ['', 'host-mounts web', '', 'host-mounts web', ''],
  )
})

test('names without end are not remembered without end', () => {
  let memory: Memory | null = null
  for (let round = 0; round < 20; round += 1) {
    const many = Array.from({ length: 1000 }, (_, index) => finding('icc', 'container', `${round}-${index}`))
    memory = learn(memory, many, day(round / 100)).memory
  }
  assert.equal(memory?.findings.length, 6000)
  assert.ok(memory.findings.every(({ subject }) => Number(subject.name.split('-')[0]) >= 14))
})

test('what cannot be looked at for a day is neither mended nor new', () => {
  const bad = finding('docker-group', 'user', 'alice')
  const blind = finding('docker-group', 'host', 'host', { status: 'unknown' })
  assert.deepEqual(days([bad], [blind], [bad]), ['', '', ''])
})

test('a memory that is damaged is not taken', () => {
  for (const text of ['', '{', 'null', '{"version":1,"engine":"x","at":"y","findings":[{}]}'])
    assert.equal(parseMemory(text), null, text)
})

test('news is told by subject, the gravest first, in what the sensor takes; names are made safe', () => {
  const worse = [
    finding('memory-limit', 'container', 'web', { evidence: 'none' }),
    finding('socket-mount', 'container', 'web', {
      severity: 'critical',
      evidence: '/run/docker.sock\u001b[2J',
      remedy: 'start it without',
    }),
    finding('docker-group', 'user', 'alice', { severity: 'high' }),
  ]
  const ref = { id: 'a'.repeat(64), name: 'web', image: 'web:1', engine: 'docker' } as const
  const news = newsOf(worse, engine, new Map([['web', ref]]))
  assert.deepEqual(decodeAuditMessage(Buffer.from(encodeAuditMessage(news))), news)
  assert.deepEqual(
    news.map(({ severity, reasons, container }) => [severity, reasons, container?.name]),
    [
      ['critical', ['socket-mount', 'memory-limit'], 'web'],
      ['high', ['docker-group'], undefined],
    ],
  )
  assert.match(
    news[0]?.summary ?? '',
    /^audit: container web: socket-mount is so: \/run\/docker.sock.*; also memory-limit; mend: start it without$/,
  )
  // What is the engine's is told for each; what is the host's own is one alert.
  assert.deepEqual(
    news.map(({ group }) => group),
    [`audit ${engine} container:web`, 'audit user:alice'],
  )
  assert.ok(!JSON.stringify(news).includes('\\u001b'), JSON.stringify(news))
})

test('as much news as one message holds is told, and how much more there is', () => {
  const many = Array.from({ length: 1000 }, (_, index) =>
    finding('privileged', 'container', `web${index}`, { evidence: 'x'.repeat(9000) }),
  )
  const news = newsOf(many, engine, new Map())
  const taken = decodeAuditMessage(Buffer.from(encodeAuditMessage(news)))
  assert.ok(typeof taken !== 'string', JSON.stringify(taken))
  assert.match(taken.at(-1)?.summary ?? '', /; and 800 more that paddock audit tells$/)
})
