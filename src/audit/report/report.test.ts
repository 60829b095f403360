import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { cleanFacts, container, hostConfig, running } from '../../../test/fixtures/audit-facts.ts'
import { compare, parseBaseline } from '../baseline.ts'
import { IMAGE_RULES } from '../image-rules.ts'
import { checks } from '../checks/table.ts'
import { escapeChains } from '../escape/escape.ts'
import type { ContainerFact, Facts } from '../facts.ts'
import { fixable } from '../fix/plan.ts'
import { type AuditReport, auditJson, judge } from '../run.ts'
import { UserError } from '../../lib/errors.ts'
import { auditHtml } from './html.ts'
import { auditSarif } from './sarif.ts'
import { auditText } from './text.ts'

const well = <T>(value: T): { ok: true; value: T } => ({ ok: true, value })
const hostile = '</text><script>alert(1)</script>\u001b[31m\u202e"\'&'
const privileged: ContainerFact = {
  ...container,
  name: 'boat',
  hostConfig: { ...hostConfig, privileged: true, usernsMode: 'host' },
  running: { ...running, remapped: false, rootUid: 0, uid: 0 },
}
const many = Array.from({ length: 20 }, (_, index): ContainerFact => ({
  ...container,
  id: String(index).padStart(64, '0'),
  name: `c${index}`,
  hostConfig: { ...hostConfig, memoryBytes: 0 },
}))
const bad: Facts = {
  ...cleanFacts,
  hostName: hostile,
  containers: well([
    privileged,
    { ...container, name: hostile, env: [`${hostile}_TOKEN=abcdefghijk`] },
    ...many,
  ]),
}

function report(facts: Facts): AuditReport {
  const findings = judge(facts)
  return {
    version: 1,
    host: facts.hostName,
    startedAt: '2026-11-24T00:00:00.000Z',
    durationMs: 5,
    ok: false,
    engine: { kind: 'docker', version: '29', address: 'unix:///run/docker.sock' },
    findings,
    chains: escapeChains(facts),
  }
}

const plain = { colour: false, all: false, comparison: null }

test('the text says first how to become root, then the gravest flaw, and each flaw once', () => {
  const text = auditText(report(bad), plain)
  const order = [
    '1 way to root',
    'container boat → privileged → root',
    'close it: start boat again without --privileged',
    'What to mend, gravest first',
    'CRITICAL  A container is privileged',
    "MEDIUM    A container's memory has no limit",
    'containers c0, c1, c2, c3, c4, c5 and 14 more: no memory limit',
    'docker update --memory 512m --memory-swap 512m NAME',
  ]
  const places = order.map((part) => text.indexOf(part))
  assert.ok(
    places.every((place) => place >= 0),
    `${order[places.indexOf(-1)] ?? ''} in ${text}`,
  )
  assert.deepEqual(
    places,
    places.toSorted((one, other) => one - other),
  )
  assert.equal(text.split("A container's memory has no limit").length, 2)
})

test('a clean host is told in one line', () => {
  assert.match(
    auditText(report(cleanFacts), plain),
    /^Host pasture, docker 29 at [^\n]*\n\nNothing to mend; \d+ things are as they should be \(0\.01 s\)\.\n$/,
  )
})

test('hostile names stay text on the terminal and in HTML, and JSON stays JSON', () => {
  const text = auditText(report(bad), { ...plain, all: true })
  assert.equal(/[\u0000-\u0009\u000b-\u001f\u202e]/.test(text), false)
  const html = auditHtml(report(bad))
  assert.equal(html.includes('<script'), false)
  assert.equal(/[\u001b\u202e]/.test(html), false)
  assert.deepEqual((JSON.parse(JSON.stringify(auditJson(report(bad)))) as { host: string }).host, hostile)
})

test('the HTML is one well-formed file that fetches nothing, with the graph in it', () => {
  const html = auditHtml(report(bad))
  assert.equal(/(src|href)=|url\((?!#)|@import/.test(html), false)
  const svg = /<svg[\s\S]*<\/svg>/.exec(html)?.[0] ?? ''
  // python3's parser is strict: anything that is not XML stops it.
  const boxes = execFileSync(
    'python3',
    [
      '-c',
      "import sys,xml.etree.ElementTree as e;print(len(e.fromstring(sys.stdin.read()).findall('.//{*}rect')))",
    ],
    { input: svg, encoding: 'utf8' },
  )
  assert.equal(boxes.trim(), '3')
})

test('SARIF has a rule and a fingerprint for each result', () => {
  const sarif = auditSarif(report(bad), null) as {
    version: string
    runs: [
      {
        tool: { driver: { rules: { id: string }[] } }
        results: {
          ruleId: string
          ruleIndex: number
          level: string
          partialFingerprints: Record<string, string>
          locations: unknown[]
        }[]
      },
    ]
  }
  const [{ tool, results }] = sarif.runs
  assert.equal(sarif.version, '2.1.0')
  assert.ok(results.length > 20)
  assert.ok(
    results.every(
      ({ ruleId, ruleIndex, locations }) =>
        tool.driver.rules[ruleIndex]?.id === ruleId && locations.length === 1,
    ),
  )
  assert.equal(
    new Set(results.map(({ partialFingerprints }) => partialFingerprints['paddock/v1'])).size,
    results.length,
  )
  assert.equal(results.find(({ ruleId }) => ruleId === 'privileged')?.level, 'error')
})

test('a baseline: nothing new, a new container, a further detail, a graver case, a mended one, a blind one', () => {
  const base = parseBaseline(JSON.stringify(auditJson(report(bad))), 'x')
  const now = (facts: Facts): string[] =>
    compare(base, judge(facts)).worse.map(({ id, subject }) => `${id} ${subject.name}`)
  assert.deepEqual(now(bad), [])
  const [, odd, ...rest] = bad.containers.ok ? bad.containers.value : []
  const withContainers = (...list: (ContainerFact | undefined)[]): Facts => ({
    ...bad,
    containers: well(list.filter((each) => each !== undefined)),
  })
  assert.deepEqual(
    now(
      withContainers(privileged, odd, ...rest, {
        ...container,
        id: 'f'.repeat(64),
        name: 'fresh',
        running: null,
        hostConfig: { ...hostConfig, pidsLimit: 0 },
      }),
    ),
    ['pids-limit fresh'],
  )
  assert.deepEqual(
    now(withContainers(privileged, odd && { ...odd, env: [...odd.env, 'API_KEY=abcdefghi'] }, ...rest)),
    [`env-secrets ${hostile}`],
  )
  const mended = compare(base, judge(withContainers(odd, ...rest))).mended.map(({ id }) => id)
  assert.ok(mended.includes('privileged'))
  const blind = compare(base, judge({ ...bad, containers: { ok: false, why: 'closed' } })).mended
  assert.deepEqual(
    blind.filter(({ id }) => id === 'privileged'),
    [],
  )
})

test('a file that is no baseline is refused', () => {
  for (const text of ['', '{}', '[]', '{"version":1,"findings":[{}]}', '{"version":2,"findings":[]}'])
    assert.throws(() => parseBaseline(text, 'x.json'), UserError)
})

test('the page names every fixable check, the 117 of the peer, and no check that does not exist', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/audit.md'), 'utf8')
  const rows = page.split('\n').filter((line) => /^\| \d+(\.\d+)+ /.test(line))
  assert.equal(new Set(rows.map((row) => row.split('|')[1]?.trim())).size, 117)
  const count = (how: string) => rows.filter((row) => row.split('|')[3]?.trim() === how).length
  assert.ok(
    page.includes(
      `${count('covered')} covered, ${count('bettered')} bettered, ${count('left out')} left out.`,
    ),
  )
  const ids = new Set([...checks.map(({ id }) => id), IMAGE_RULES])
  const named = rows
    .filter((row) => !row.includes('| left out'))
    .flatMap((row) =>
      [...(row.split('|')[4] ?? '').matchAll(/`([a-z]+(-[a-z]+)*)`/g)].map(([, id = '']) => id),
    )
  assert.deepEqual(
    named.filter((id) => !ids.has(id) && !['root', 'mountpoint'].includes(id)),
    [],
  )
  const numbers = new Set(checks.flatMap(({ cis }) => (cis === null ? [] : [cis])))
  assert.deepEqual(
    [...numbers].filter(
      (number) => number.includes('.') && !rows.some((row) => row.startsWith(`| ${number} `)),
    ),
    [],
  )
  assert.deepEqual(
    fixable.filter((id) => !page.includes(`\`${id}\``)),
    [],
  )
})
