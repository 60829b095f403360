import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { notifierKinds } from '../../src/alerts/notify/kinds.ts'
import { parseConfig } from '../../src/watch/config.ts'
import { PACKAGED_HERD, packagedPrograms, units } from '../../src/cli/install/units.ts'
import { eventually, programs } from '../receivers/programs.ts'
import { testWatch } from './running.ts'
import { intrusion, produced, web } from './scene.ts'

/* What lies in contrib/ fits what Paddock really is. */

const contrib = join(import.meta.dirname, '../../contrib')
const watch = await testWatch('notify:\n  - { name: ops, type: webhook, url: "http://127.0.0.1:9/" }\n')
after(() => watch[Symbol.asyncDispose]())
watch.producer.containers = [produced(web)]
watch.producer.emit(...intrusion(web, [watch.producer.keep(Buffer.from('x'))]))

/** Names of all metrics that a watch with a container, a channel and an alert exports. */
async function metricNames(): Promise<ReadonlySet<string>> {
  return eventually(async () => {
    const { text } = await watch.ask('/metrics')
    assert.match(text, /^paddock_container_unexpected_changes\{container="web"\}/m)
    return new Set([...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name ?? ''))
  })
}

const NAME = /\b(?:paddock|process)_[a-z_]+\b/g

test('the alert rules are valid, fire when they should, and ask for metrics that there are', async () => {
  const rules = join(contrib, 'prometheus/paddock.rules.yml')
  const checked = execFileSync(programs.promtool, ['check', 'rules', rules], { encoding: 'utf8' })
  assert.match(checked, /SUCCESS: 9 rules found/)
  execFileSync(programs.promtool, ['test', 'rules', join(contrib, 'prometheus/paddock.rules.test.yml')])
  const names = await metricNames()
  const asked = [...readFileSync(rules, 'utf8').matchAll(/^ +expr: (.*)$/gm)].flatMap(
    ([, expr]) => expr?.match(NAME) ?? [],
  )
  assert.ok(asked.length > 8)
  assert.deepEqual(
    asked.filter((name) => !names.has(name)),
    [],
  )
})

test('the dashboard asks for metrics that there are', async () => {
  const dashboard = JSON.parse(readFileSync(join(contrib, 'grafana/paddock.json'), 'utf8')) as {
    panels: { title: string; targets: { expr: string }[] }[]
  }
  const asked = dashboard.panels.flatMap(({ targets }) =>
    targets.flatMap(({ expr }) => expr.match(NAME) ?? []),
  )
  assert.ok(asked.length > 12)
  const names = await metricNames()
  assert.deepEqual(
    asked.filter((name) => !names.has(name)),
    [],
  )
})

test('the units are those that paddock install writes', () => {
  for (const [name, text] of units(packagedPrograms, PACKAGED_HERD))
    assert.equal(readFileSync(join(contrib, 'systemd', name), 'utf8'), text)
})

test('the page of alerts names every channel with all its settings, and its example of watch.yaml loads', () => {
  const page = readFileSync(join(contrib, '../docs/alerts.md'), 'utf8')
  for (const [name, { fields }] of Object.entries(notifierKinds)) {
    const section = page.split(`\n### ${name}\n`)[1]?.split('\n### ')[0] ?? ''
    for (const [key, { help }] of Object.entries(fields)) {
      assert.ok(section.includes(`\`${key}\``) && section.includes(help), `${name}.${key}`)
    }
  }
  const example = /```yaml\n([^]*?)```/.exec(page)?.[1] ?? ''
  const config = parseConfig(
    example.replace('secretFile: hook.secret', 'secret: s3cret'),
    '/etc/paddock/watch.yaml',
  )
  assert.deepEqual(
    config.channels.map(({ name }) => name),
    ['ops', 'mail'],
  )
})
