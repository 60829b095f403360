import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UserError } from '../lib/errors.ts'
import type { Service } from './declaration.ts'
import { replicate } from './replicas.ts'
import { parseScale } from './scale.ts'
import { usualSettings } from './settings.ts'
import { inWaves, waves } from './waves.ts'

function service(name: string, wave: number, ...needs: string[]): Service {
  return {
    name,
    dir: `/h/${name}`,
    composePath: `/h/${name}/compose.yaml`,
    composeText: '',
    settings: { ...usualSettings, wave, needs },
    policy: null,
    writable: new Set(),
  }
}

const herd = [service('api', 1, 'redis', 'web'), service('redis', 1), service('web', 2), service('late', 3)]

test('waves are in the order of their numbers, and after what they need', () => {
  const order = waves(herd).map((wave) => wave.map(({ name }) => name))
  assert.deepEqual(order, [['redis'], ['web'], ['api', 'late']])
})

test('what needs a failed service is left out; the others go on', async () => {
  const started: string[] = []
  const outcomes = await inWaves(waves(herd), ({ name }) => {
    started.push(name)
    return name === 'redis' ? Promise.reject(new UserError('no')) : Promise.resolve(name)
  })
  assert.deepEqual(started, ['redis', 'web', 'late'])
  const api = outcomes.find((one) => one.service === 'api')
  assert.ok(api !== undefined && 'error' in api && api.error.message.includes("'redis', which it needs"))
})

test('a bug is no outcome', async () => {
  await assert.rejects(
    inWaves(waves(herd), () => Promise.reject(new TypeError('bug'))),
    TypeError,
  )
})

test('scale: what is typed, and where a port forbids it', () => {
  assert.deepEqual(parseScale('web=3'), { name: 'web', count: 3 })
  for (const typed of ['web', 'web=', 'web=0', 'web=101', 'web=-1', '=3', 'web=1e2'])
    assert.throws(() => parseScale(typed), UserError, typed)
  const web = service('web', 1)
  const model = (published: string) => ({ services: { web: { ports: [{ target: 80, published }] } } })
  assert.throws(() => replicate(model('8080'), web, 2), { hint: /declare a range, '8080-8081:80'/ })
  assert.throws(() => replicate(model('8080-8081'), web, 3), UserError)
  assert.equal(replicate(model('8080-8082'), web, 3).services['web']?.scale, 3)
  assert.equal(replicate(model('8080'), web, 1).services['web']?.scale, 1)
  assert.throws(() => replicate({ services: { web: { container_name: 'w' } } }, web, 2), /container_name/)
  assert.throws(
    () => replicate({ services: { a: {}, b: {} } }, web, 2),
    /it has a, b, and none is named as it/,
  )
})
