import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { GarbageError } from './fields.ts'
import { parseContainer, parseContainers } from './parse-container.ts'
import { parseEvent } from './parse-event.ts'
import { parseImage, parseImageHistory, parseImages } from './parse-image.ts'
import { parseInfo, parseNetworks, parseVersion } from './parse-info.ts'

const folder = join(import.meta.dirname, '../../test/fixtures/engine')

/** What the engine answered when tools/record-engine-fixtures.ts asked it. */
function recorded(engine: string, what: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(folder, engine, `${what}.json`), 'utf8')) as Record<string, unknown>
}

const engines = {
  docker: {
    kind: 'docker',
    version: '20.10.24+dfsg1',
    api: '1.41',
    driver: 'overlay2',
    remap: false,
    graph: 'overlay2',
  },
  'docker-userns': {
    kind: 'docker',
    version: '20.10.24+dfsg1',
    api: '1.41',
    driver: 'overlay2',
    remap: true,
    graph: 'overlay2',
  },
  'docker-containerd': {
    kind: 'docker',
    version: '26.1.5+dfsg1',
    api: '1.45',
    driver: 'overlayfs',
    remap: false,
    graph: null,
  },
  podman: {
    kind: 'podman',
    version: '4.3.1',
    api: '1.41',
    driver: 'overlay',
    remap: false,
    graph: 'overlay',
  },
} as const

for (const [name, expected] of Object.entries(engines)) {
  describe(`as ${name} answers`, () => {
    const version = parseVersion(recorded(name, 'version'))

    test('version and settings', () => {
      const info = parseInfo(recorded(name, 'info'), version, '1.41')
      assert.deepEqual(
        {
          kind: info.kind,
          version: info.version,
          api: version.apiVersion,
          driver: info.storageDriver,
          remap: info.usernsRemap,
        },
        {
          kind: expected.kind,
          version: expected.version,
          api: expected.api,
          driver: expected.driver,
          remap: expected.remap,
        },
      )
      assert.match(info.dataRoot, /^\/var\/lib\/engine/)
      assert.deepEqual(info.runtime, { name: 'runc', version: name === 'podman' ? '' : '1.1.5' })
      assert.deepEqual([info.insecureRegistries, info.swarm, info.experimental], [[], null, false])
    })

    test('a container in the list', () => {
      const [web, ...others] = parseContainers(recorded(name, 'containers'))
      assert.deepEqual(others, [])
      assert.match(web?.id ?? '', /^[0-9a-f]{64}$/)
      assert.match(web?.name ?? '', /^t\d+-web$/)
      assert.equal(web?.state, 'running')
      assert.equal(web.labels['paddock.expect'], '/run/**')
    })

    test('a container with all that was set', () => {
      const web = parseContainer(recorded(name, 'container'))
      assert.match(web.imageId, /^sha256:[0-9a-f]{64}$/)
      assert.match(web.image, /paddock-test\/busybox:latest$/)
      assert.ok(web.pid > 1)
      assert.equal(web.graphDriver?.name ?? null, expected.graph)
      assert.deepEqual([web.user, web.command, web.env.includes('A=1')], ['1000', ['sleep', '1000000'], true])
      assert.equal(web.health, 'starting')
      const mounts = web.mounts.map(
        ({ type, target, writable }) => `${type} ${target} ${writable ? 'rw' : 'ro'}`,
      )
      assert.equal(new Set(mounts).size, mounts.length, 'each mount once')
      for (const mount of ['bind /host/usr ro', 'tmpfs /run rw', 'tmpfs /scratch rw', 'volume /data rw'])
        assert.ok(mounts.includes(mount), mount)
      assert.equal(web.mounts.find((mount) => mount.type === 'bind')?.source, '/usr')

      const { hostConfig } = web
      assert.ok(hostConfig.capAdd.includes('SYS_TIME'), String(hostConfig.capAdd))
      assert.ok(hostConfig.capDrop.includes('NET_RAW'))
      assert.ok(hostConfig.securityOptions.some((option) => option.startsWith('no-new-privileges')))
      assert.deepEqual(
        [
          hostConfig.privileged,
          hostConfig.readonlyRootfs,
          hostConfig.systemPathsUnmasked,
          hostConfig.cpuLimited,
        ],
        [false, true, false, true],
      )
      assert.deepEqual([hostConfig.memoryBytes, hostConfig.pidsLimit], [64 * 1024 * 1024, 50])
      assert.deepEqual(hostConfig.restartPolicy, { name: 'on-failure', maximumRetryCount: 3 })
      assert.deepEqual(hostConfig.healthCheck, ['CMD-SHELL', 'true'])
    })

    test('images, their history, networks', () => {
      const [summary] = parseImages(recorded(name, 'images'))
      const image = parseImage(recorded(name, 'image'))
      assert.equal(image.id, summary?.id)
      assert.ok(image.tags.some((tag) => tag.endsWith('paddock-test/busybox:latest')))
      assert.deepEqual(
        [image.command, image.user, image.layers, image.architecture],
        [['sh'], '', 1, 'amd64'],
      )
      const history = parseImageHistory(recorded(name, 'history'))
      assert.equal(history.length, 1)
      assert.ok((history[0]?.sizeBytes ?? 0) > 1e6)
      assert.ok(parseNetworks(recorded(name, 'networks')).every((network) => network.driver !== ''))
    })
  })
}

describe('garbage is named by the field', () => {
  const container = recorded('docker', 'container')
  const state = container['State'] as object
  const host = container['HostConfig'] as object
  const cases = [
    ['not a list', () => parseContainers({}), /the answer is not a list/],
    ['a list of numbers', () => parseContainers([5]), /\[0\] is not an object/],
    [
      'an id that is a path',
      () => parseContainer({ ...container, Id: '../../etc' }),
      /Id is not 64 hexadecimal digits/,
    ],
    ['an id that is a number', () => parseContainer({ ...container, Id: 5 }), /Id is not a string/],
    [
      'a process id of text',
      () => parseContainer({ ...container, State: { ...state, Pid: '1' } }),
      /State\.Pid is not a number/,
    ],
    [
      'a state of its own',
      () => parseContainer({ ...container, State: { ...state, Status: 'fine' } }),
      /State\.Status is none of created, /,
    ],
    [
      'labels as a list',
      () => parseContainer({ ...container, Config: { Labels: [] } }),
      /Config\.Labels is not an object/,
    ],
    [
      'a label of a number',
      () => parseContainer({ ...container, Config: { Labels: { a: 1 } } }),
      /a value of Config\.Labels is not a string/,
    ],
    [
      'privileged as text',
      () => parseContainer({ ...container, HostConfig: { ...host, Privileged: 'no' } }),
      /HostConfig\.Privileged is not true or false/,
    ],
    [
      'an inherited field',
      () => parseVersion(Object.create({ ApiVersion: '1.41' })),
      /ApiVersion is not a string/,
    ],
    [
      'a time past the end of time',
      () => parseImages([{ Id: 'a'.repeat(64), Created: 1e300 }]),
      /Created is no time/,
    ],
    ['an event at half past', () => parseEvent({ timeNano: 1.5 }), /timeNano is not a whole number/],
    ['an event of text', () => parseEvent('start'), /the answer is not an object/],
  ] as const
  for (const [name, parse, message] of cases) {
    test(name, () => {
      assert.throws(parse, (error) => error instanceof GarbageError && message.test(error.message))
    })
  }
})

test('what a container may be called changes nothing: labels "__proto__" and "constructor" are labels', () => {
  const container = recorded('docker', 'container')
  const labels = JSON.parse('{"__proto__":"x","constructor":"y"}') as object
  const parsed = parseContainer({ ...container, Config: { Labels: labels } })
  assert.deepEqual(Object.entries(parsed.labels), [
    ['__proto__', 'x'],
    ['constructor', 'y'],
  ])
})

test('a health check that has no status yet, as Podman tells it, is none', () => {
  const container = recorded('podman', 'container')
  const health = (Status: string) =>
    parseContainer({ ...container, State: { Status: 'exited', Health: { Status } } }).health
  assert.deepEqual(['', 'stopped', 'healthy'].map(health), ['none', 'none', 'healthy'])
})

test('Podman says died and remove where Docker says die and destroy; a command is no action', () => {
  const action = (word: string) => parseEvent({ Type: 'container', Action: word, timeNano: 1 }).action
  assert.deepEqual(['died', 'remove', 'die', 'exec_create: sh -c x:y', 'toString'].map(action), [
    'die',
    'destroy',
    'die',
    'exec_create',
    'toString',
  ])
})

test('published ports: as bound while it runs, as configured when not', () => {
  const container = recorded('docker', 'container')
  const host = container['HostConfig'] as object
  const PortBindings = { '80/tcp': [{ HostIp: '', HostPort: '' }], '53/udp': null }
  const configured = parseContainer({ ...container, HostConfig: { ...host, PortBindings } })
  assert.deepEqual(configured.hostConfig.ports, [
    { hostIp: '', hostPort: 0, containerPort: 80, protocol: 'tcp' },
  ])
  const Ports = { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '8080' }] }
  const bound = parseContainer({
    ...container,
    NetworkSettings: { Ports },
    HostConfig: { ...host, PortBindings },
  })
  assert.deepEqual(bound.hostConfig.ports, [
    { hostIp: '127.0.0.1', hostPort: 8080, containerPort: 80, protocol: 'tcp' },
  ])
})

test('a rootless engine says so: Docker among its security options, Podman by a field of its own', () => {
  const rootless = (name: string, change: object) =>
    parseInfo({ ...recorded(name, 'info'), ...change }, parseVersion(recorded(name, 'version')), '1.41')
      .rootless
  assert.deepEqual([rootless('docker', {}), rootless('podman', {})], [false, false])
  assert.equal(
    rootless('docker', { SecurityOptions: ['name=seccomp,profile=default', 'name=rootless'] }),
    true,
  )
  assert.equal(rootless('podman', { Rootless: true }), true)
})
