import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Instance } from './instance.ts'
import type { Model } from './model.ts'
import { joinNeeds } from './networks.ts'
import { repository, tagOwnImages } from './own-images.ts'
import { separate } from './separate.ts'

const instance: Instance = {
  kind: 'test',
  service: 'web',
  project: 'h_web_test-1',
  tag: 'latest',
  dataDir: '/state/data/h/web/test-1',
  modelPath: '/m',
}

const model: Model = {
  services: {
    web: {
      container_name: 'web',
      ports: [{ target: 80, published: '8080', host_ip: '0.0.0.0', protocol: 'tcp' }],
      expose: ['9000', '80'],
      volumes: [
        { type: 'bind', source: '/srv/web', target: '/data' },
        { type: 'bind', source: '/herd/web/conf', target: '/conf' },
        { type: 'bind', source: '/srv/shared', target: '/shared', read_only: true },
        { type: 'bind', source: '/state/data/h/web/test-1/db', target: '/db' },
        { type: 'volume', source: 'cache', target: '/cache' },
      ],
    },
  },
  networks: { default: { name: 'h_web_test-1_default' }, backend: { name: 'backend', external: true } },
  volumes: { cache: { name: 'production-cache', external: true } },
}

test('a test instance shares nothing with production that it could write to, bind or be called', () => {
  const { model: own, scratch } = separate(model, instance, '/herd/web', false)
  const web = own.services['web']
  assert.equal(web?.container_name, undefined)
  assert.deepEqual(
    web?.ports?.map(({ target, published, host_ip }) => [target, published, host_ip]),
    [
      [80, undefined, '127.0.0.1'],
      [9000, undefined, '127.0.0.1'],
    ],
  )
  const sources = web.volumes?.map(({ source }) => source)
  assert.deepEqual(sources, [
    '/state/data/h/web/test-1/binds/srv-web',
    '/state/data/h/web/test-1/binds/herd-web-conf',
    '/srv/shared',
    '/state/data/h/web/test-1/db',
    'cache',
  ])
  assert.deepEqual(
    scratch.map(({ from, filled }) => [from, filled]),
    [
      ['/srv/web', false],
      ['/herd/web/conf', true],
    ],
  )
  assert.deepEqual(own.networks?.['backend'], { name: 'h_web_test-1_backend' })
  assert.deepEqual(own.volumes?.['cache'], { name: 'h_web_test-1_cache' })
})

test('production is as declared', () => {
  assert.deepEqual(separate(model, { ...instance, kind: 'prod' }, '/herd/web', false), { model, scratch: [] })
})

test('a service joins the networks of what it needs, and keeps its own', () => {
  const needs = [{ ...instance, service: 'redis', project: 'h_redis_test-1' }]
  const joined = joinNeeds({ services: { api: {}, host: { network_mode: 'host' } } }, needs)
  assert.deepEqual(joined.services['api']?.networks, { default: null, 'needs-redis': null })
  assert.equal(joined.services['host']?.networks, undefined)
  assert.deepEqual(joined.networks?.['needs-redis'], { name: 'h_redis_test-1_default', external: true })
})

test('images that a service builds have the tag of the instance, others keep theirs', () => {
  const herd = { dir: '/herd', id: 'h' }
  const services = {
    web: { image: 'registry:5000/herd/web:1.2', build: {} },
    side: { build: {} },
    redis: { image: 'redis@sha256:abc' },
  }
  const tagged = tagOwnImages({ services }, herd, { service: 'web', tag: 'live' })
  assert.deepEqual(
    Object.values(tagged.services).map(({ image }) => image),
    ['registry:5000/herd/web:live', 'h/web-side:live', 'redis@sha256:abc'],
  )
  assert.equal(repository('registry:5000/herd/web'), 'registry:5000/herd/web')
  assert.equal(repository('herd/web:live@sha256:abc'), 'herd/web')
})
