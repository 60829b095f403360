import assert from 'node:assert/strict'
import { test } from 'node:test'
import { enclose, type Facts, isRoot } from './enclose.ts'
import type { Instance } from './instance.ts'
import type { Model, ModelService } from './model.ts'
import { openings } from './openings.ts'

const prod: Instance = {
  kind: 'prod',
  service: 'web',
  project: 'h_web',
  tag: 'live',
  dataDir: '/d',
  modelPath: '/m',
}
const plain: Facts = { declaredWritable: false, expectsChanges: false, imageUser: '' }

function enclosed(service: ModelService, facts: Facts = plain, instance = prod): ModelService {
  const { model } = enclose({ services: { web: service } }, instance, '/herd', () => facts)
  return model.services['web'] ?? {}
}

test('what a compose file does not say is closed', () => {
  const { labels: _, ...closed } = enclosed({ image: 'x' })
  assert.deepEqual(closed, {
    image: 'x',
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
    read_only: true,
    user: '65534:65534',
    pids_limit: 256,
    mem_limit: '512m',
    restart: 'unless-stopped',
  })
})

test('what it says itself stays', () => {
  const own: ModelService = {
    cap_drop: ['NET_RAW'],
    cap_add: ['CHOWN'],
    security_opt: ['no-new-privileges:false', 'seccomp=unconfined'],
    user: '0:0',
    pids_limit: 1000,
    deploy: { resources: { limits: { memory: '1g' } } },
    restart: 'no',
  }
  const result = enclosed(own, { declaredWritable: true, expectsChanges: false, imageUser: '' })
  assert.deepEqual(result.cap_drop, ['ALL'])
  assert.deepEqual(result.cap_add, ['CHOWN'])
  assert.deepEqual(result.security_opt, own.security_opt)
  assert.equal(result.user, '0:0')
  assert.equal(result.read_only, undefined)
  assert.equal(result.mem_limit, undefined)
  assert.equal(result.pids_limit, 1000)
  assert.equal(result.restart, 'no')
})

test('a policy that expects changes leaves the root file system writable; an image that names a user keeps it', () => {
  assert.equal(enclosed({}, { ...plain, expectsChanges: true }).read_only, undefined)
  assert.equal(enclosed({}, { ...plain, imageUser: '33:33' }).user, undefined)
  assert.equal(enclosed({}, { ...plain, imageUser: null }).user, undefined)
  assert.equal(enclosed({}, plain, { ...prod, kind: 'dev' }).restart, undefined)
})

test('users that are root', () => {
  for (const user of ['', '0', 'root', '0:0', 'root:33', ':33']) assert.ok(isRoot(user), user)
  for (const user of ['33', 'www-data', '1000:0', 'rooty', null]) assert.ok(!isRoot(user), String(user))
})

const wide: readonly (readonly [service: ModelService, setting: string])[] = [
  [{ privileged: true }, 'privileged'],
  [{ cap_add: ['SYS_ADMIN'] }, 'cap_add'],
  [{ user: 'root' }, 'user'],
  [{ security_opt: ['seccomp=unconfined'] }, 'security_opt'],
  [{ security_opt: ['no-new-privileges:false'] }, 'security_opt'],
  [{ network_mode: 'host' }, 'network_mode'],
  [{ network_mode: 'container:abc' }, 'network_mode'],
  [{ pid: 'host' }, 'pid'],
  [{ ipc: 'host' }, 'ipc'],
  [{ userns_mode: 'host' }, 'userns_mode'],
  [{ devices: ['/dev/kvm:/dev/kvm:rwm'] }, 'devices'],
  [{ devices: [{ source: '/dev/kvm' }] }, 'devices'],
  [{ volumes: [{ type: 'bind', source: '/var/run/docker.sock', target: '/s' }] }, 'volumes'],
  [
    { volumes: [{ type: 'bind', source: '/run/podman/podman.sock', target: '/s', read_only: true }] },
    'volumes',
  ],
  [{ volumes: [{ type: 'bind', source: '/', target: '/host' }] }, 'volumes'],
  [{ volumes: [{ type: 'bind', source: '/etc/cron.d', target: '/c' }] }, 'volumes'],
  [{ ports: [{ target: 80, published: '8080' }] }, 'ports'],
  [{ ports: [{ target: 80, published: '8080', host_ip: '::' }] }, 'ports'],
]

for (const [service, setting] of wide) {
  test(`opens wider: ${JSON.stringify(service)}`, () => {
    const [opening, ...more] = openings({ services: { web: service } } satisfies Model, new Set())
    assert.equal(opening?.setting, setting)
    assert.equal(more.length, 0)
  })
}

test('a closed service opens nothing', () => {
  const service: ModelService = {
    user: '33:33',
    ports: [{ target: 80, published: '8080', host_ip: '127.0.0.1' }],
    volumes: [
      { type: 'bind', source: '/var/lib/paddock/data/h/web/prod/db', target: '/data' },
      { type: 'volume', source: 'v', target: '/v' },
    ],
    security_opt: ['no-new-privileges:true'],
    network_mode: 'none',
  }
  assert.deepEqual(openings({ services: { web: service } }, new Set()), [])
  assert.equal(openings({ services: { web: service } }, new Set(['web']))[0]?.setting, 'read_only')
})
