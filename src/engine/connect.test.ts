import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { findEngine } from './connect.ts'
import { failure } from './hostile-engine.fixture.ts'

describe('which engine', () => {
  const nothing = () => false
  const cases = [
    ['--engine first', { engine: 'unix:///a.sock', env: { DOCKER_HOST: 'unix:///b.sock' } }, '/a.sock'],
    ['a path will do', { engine: '/a.sock', env: {} }, '/a.sock'],
    [
      'then DOCKER_HOST',
      { env: { DOCKER_HOST: 'unix:///b.sock', CONTAINER_HOST: 'unix:///c.sock' } },
      '/b.sock',
    ],
    ['then CONTAINER_HOST', { env: { DOCKER_HOST: '', CONTAINER_HOST: 'unix:///c.sock' } }, '/c.sock'],
  ] as const
  for (const [name, choice, expected] of cases) {
    test(name, () => {
      assert.equal(findEngine(choice, nothing), expected)
    })
  }

  test('then the usual sockets, in their order', () => {
    const looked: string[] = []
    const look = (path: string) => looked.push(path) === 4
    const env = { XDG_RUNTIME_DIR: '/run/user/1000' }
    assert.equal(findEngine({ env }, look), '/run/user/1000/podman/podman.sock')
    assert.deepEqual(looked, [
      '/var/run/docker.sock',
      '/run/podman/podman.sock',
      '/run/user/1000/docker.sock',
      '/run/user/1000/podman/podman.sock',
    ])
  })

  test('none: one sentence', async () => {
    const message = await failure(Promise.resolve().then(() => findEngine({ env: {} }, nothing)))
    assert.equal(
      message,
      'cannot find an engine: none of /var/run/docker.sock, /run/podman/podman.sock exists',
    )
  })

  test('not on this host', async () => {
    for (const address of ['tcp://127.0.0.1:2375', 'ssh://host', 'unix://relative', 'npipe://x']) {
      const message = await failure(
        Promise.resolve().then(() => findEngine({ engine: address, env: {} }, nothing)),
      )
      assert.equal(
        message,
        `cannot use the engine '${address}' (--engine): it is not the address of a Unix socket`,
      )
    }
  })
})
