import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormatsModule from 'ajv-formats'
import { eventually, programs, startProgram } from '../receivers/programs.ts'
import { type NewFinding } from './producer.ts'
import { testWatch } from './running.ts'
import { hostile, hostileFinding, intrusion, produced, store, web } from './scene.ts'
import { freePort } from '../../src/cli/demo/free-port.ts'

const receiver = createServer((_request, response) => response.end()).listen(0, '127.0.0.1')
await once(receiver, 'listening')
after(() => receiver.close())
const hook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`
const watch = await testWatch(`notify: [{ name: ops, type: webhook, url: "${hook}" }]`)
after(() => watch[Symbol.asyncDispose]())
const { producer } = watch
producer.containers = [
  produced(web, { exec: 'deny', missing: ['/usr/sbin/nginx'] }),
  produced(store),
  produced(hostile),
]
producer.emit(...intrusion(web, [producer.keep(Buffer.from('dropped'))]), hostileFinding())
const all = await eventually(async () => {
  const { alerts } = await watch.api<{ alerts: { id: string; container: string }[] }>('/alerts')
  const overview = await watch.api<{ containers: unknown[] }>('/overview')
  assert.deepEqual([alerts.length, overview.containers.length], [2, 3])
  return alerts
})
await watch.api('/pauses', { container: 'redis', for: '30m', reason: 'upgrade' })

interface Document {
  readonly paths: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          { responses: Record<string, { content: Record<string, { schema?: { $ref: string } }> }> }
        >
      >
    >
  >
  readonly components: { readonly schemas: Readonly<Record<string, object>> }
}

const document = await watch.api<Document>('/openapi.json')
const ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true })
// Its default export is the function itself when Node loads it, and a property of it for the types.
;(addFormatsModule as unknown as (on: Ajv2020) => void)(ajv)
ajv.addVocabulary(['components'])
ajv.addSchema({ $id: 'paddock', components: document.components })

function check(name: string, value: unknown): void {
  const validate = ajv.getSchema(`paddock#/components/schemas/${name}`)
  assert.ok(validate, name)
  assert.ok(validate(value), `${name}: ${ajv.errorsText(validate.errors)}`)
}

test('the OpenAPI document is one', async () => {
  const result = await new Validator().validate(structuredClone(document) as never)
  assert.deepEqual([result.valid, result.errors], [true, undefined])
})

/** What is asked for each path of the document, so that none is left untried. */
const concrete: Readonly<Record<string, { path: string; body?: object }>> = {
  'get /api/v1/overview': { path: '/overview' },
  'get /api/v1/alerts': { path: '/alerts?state=all' },
  'get /api/v1/alerts/{id}': { path: '/alerts/1' },
  'get /api/v1/containers/{name}': { path: '/containers/web' },
  'get /api/v1/activity': { path: '/activity?hours=168' },
  'get /api/v1/system': { path: '/system' },
  'post /api/v1/pauses': { path: '/pauses', body: { container: 'web', for: '5m', reason: 'x' } },
  'post /api/v1/pauses/{id}/end': { path: '/pauses/1/end', body: {} },
  'post /api/v1/channels/{name}/test': { path: '/channels/ops/test', body: {} },
  'post /api/v1/sweep': { path: '/sweep', body: {} },
  'post /api/v1/alerts/acknowledge': { path: '/alerts/acknowledge', body: { id: ['1', '1'], reason: 'x' } },
}
const notJson = new Set([
  'get /api/v1/openapi.json',
  'get /api/v1/backup',
  'get /healthz',
  'get /metrics',
  'get /api/v1/alerts/{id}/evidence/{sha256}',
])

test('what is answered is what the document says, path by path', async () => {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => [`${method} ${path}`, operation] as const),
  )
  assert.deepEqual(
    operations
      .map(([name]) => name)
      .filter((name) => !notJson.has(name))
      .sort(),
    Object.keys(concrete).sort(),
  )
  for (const [name, operation] of operations) {
    const asked = concrete[name]
    if (asked === undefined) continue
    const schema =
      operation.responses['200']?.content['application/json']?.schema?.$ref.split('/').at(-1) ?? ''
    check(schema, await watch.api(asked.path, asked.body))
  }
  for (const { id } of all) check('AlertAnswer', await watch.api(`/alerts/${id}`))
  for (const { container } of [web, store, hostile].map((one) => ({ container: one.name }))) {
    check('ContainerAnswer', await watch.api(`/containers/${encodeURIComponent(container)}`))
  }
  const refused = await watch.ask('/api/v1/alerts/99', {
    headers: { authorization: `Bearer ${watch.token}` },
  })
  check('Problem', JSON.parse(refused.text))
})

test('every view is a page too, and says the same', async () => {
  for (const [page, texts] of [
    ['/', ['web', 'redis', 'a new program /tmp/&lt;script&gt;', 'Self-test passed']],
    ['/alerts?state=all', ['wrote a new program', 'acknowledged by']],
    ['/alerts/1', ['denied', '/usr/bin/curl', 'wget -O /tmp/.x', 'Download what was captured', 'execAllow:']],
    ['/containers/web', ['/usr/sbin/nginx', 'web.yaml:4', 'access.log', 'nginx -g daemon off;']],
    ['/activity', ['4 observations']],
    ['/system', ['process-connector', 'upgrade', 'acknowledged', 'ops']],
  ] as const) {
    const { status, text } = await watch.ask(page, {
      headers: { accept: 'text/html', authorization: `Bearer ${watch.token}` },
    })
    assert.equal(status, 200)
    for (const wanted of texts)
      assert.ok(Buffer.from(text, 'latin1').toString().includes(wanted), `${page}: ${wanted}`)
  }
})

test('a container that is gone is remembered with its alerts, and one that never was is not there', async () => {
  const gone: NewFinding = { ...hostileFinding(), container: { ...web, name: 'gone' }, group: 'gone' }
  producer.emit(gone)
  await eventually(async () => {
    const answer = await watch.api<{ container: unknown; alerts: unknown[] }>('/containers/gone')
    check('ContainerAnswer', answer)
    assert.deepEqual([answer.container, answer.alerts.length], [null, 1])
  })
  await assert.rejects(watch.api('/containers/never'), /404/)
})

test('Prometheus takes the metrics, by its own linter and by a real scrape', async () => {
  const { text } = await watch.ask('/metrics')
  assert.equal(execFileSync(programs.promtool, ['check', 'metrics'], { input: text, encoding: 'utf8' }), '')
  const port = await freePort()
  const config = join(watch.folder, 'prometheus.yml')
  writeFileSync(
    config,
    `scrape_configs: [{ job_name: paddock, scrape_interval: 1s, static_configs: [{ targets: ["127.0.0.1:${watch.port}"] }] }]\n`,
  )
  startProgram(programs.prometheus, [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(watch.folder, 'tsdb')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--web.console.templates=/nonexistent',
  ])
  const query = async (expression: string) => {
    const url = `http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(expression)}`
    const answer = (await (await fetch(url)).json()) as { data: { result: { value: [number, string] }[] } }
    return answer.data.result[0]?.value[1]
  }
  await eventually(async () => {
    assert.equal(await query('paddock_sensor_up'), '1')
    assert.equal(await query('paddock_container_exec_deny{container="web"}'), '1')
    assert.equal(await query('paddock_container_unexpected_changes{container="redis"}'), '0')
    assert.equal(await query('sum(paddock_alerts_open)'), '2')
    assert.equal(await query(`count(paddock_container_unexpected_changes)`), '3')
  })
})

test('health is wrong when the sensor is blind, behind or silent, and right when all is well', async () => {
  const { alerts } = await watch.api<{ alerts: { id: string }[] }>('/alerts')
  await watch.api('/alerts/acknowledge', { id: alerts.map(({ id }) => id), reason: 'x' })
  const health = (status: number, line: RegExp) =>
    eventually(async () => {
      const answer = await watch.ask('/healthz')
      assert.match(answer.text, line)
      assert.equal(answer.status, status)
    })
  await health(200, /^all ok\n$/)
  producer.selfTestOk = false
  await health(503, /^the sensor is blind: its self-test failed\n$/)
  producer.selfTestOk = true
  await health(200, /^all ok\n$/)
  producer.behind = 5000
  await health(503, /^5000 findings wait in the sensor's spool\n$/)
  producer.behind = 0
  producer.lost = 3
  await health(503, /^3 findings could not be kept\n$/)
  producer.lost = 0
  producer.lastSweepAt = '2026-01-02T03:04:05.000Z'
  await health(503, /^no sweep since 2026-01-02T03:04:05.000Z\n$/)
  producer.lastSweepAt = null
  producer.layerWatchLost = true
  await health(503, /^the sensor has lost layer-watch\n$/)
  producer.layerWatchLost = false
  await health(200, /^all ok\n$/)
  await producer[Symbol.asyncDispose]()
  await health(503, /^the sensor is silent since \d{4}-/)
  assert.match((await watch.ask('/metrics')).text, /paddock_sensor_up 0/)
})
