import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { connectEngine } from '../../src/engine/connect.ts'
import type { EngineEvent } from '../../src/engine/reader.ts'
import { UserError } from '../../src/lib/errors.ts'
import { engineNames, fixtureImage, testEngine } from './harness.ts'

/* What src/engine/reader.ts promises, held against every engine for real. */

for (const name of engineNames) {
  describe(name, async () => {
    const engine = await testEngine(name)
    const reader = await connectEngine({ engine: engine.address, env: {} })

    test('tells what it is', async () => {
      const info = await reader.info()
      assert.equal(info.kind, engine.kind)
      assert.equal(info.usernsRemap, name === 'docker-userns')
      assert.ok(info.dataRoot.startsWith(engine.dataRoot), info.dataRoot)
      assert.match(info.apiVersion, /^1\.\d+$/)
      const drivers = {
        docker: 'overlay2',
        'docker-userns': 'overlay2',
        'docker-containerd': 'overlayfs',
        podman: 'overlay',
      }
      assert.equal(info.storageDriver, drivers[name])
    })

    test('lists running containers, and with `all` the others', async () => {
      const up = await engine.run({ name: 'up', labels: { who: 'me' } })
      const down = await engine.run({ name: 'down' })
      await engine.cli('stop', '--time', '0', down.id)
      // On a busy machine `stop` may answer before the engine has written down that it ended.
      await engine.cli('wait', down.id)
      const running = await reader.containers({ all: false })
      assert.deepEqual(
        running
          .filter(({ id }) => id === up.id)
          .map(({ name: called, state, labels }) => [called, state, labels['who']]),
        [[up.name, 'running', 'me']],
      )
      assert.ok(!running.some(({ id }) => id === down.id))
      const all = await reader.containers({ all: true })
      assert.equal(all.find(({ id }) => id === down.id)?.state, 'exited')
    })

    test('inspects by id, prefix of it, and name; running, paused and stopped', async () => {
      const container = await engine.run({
        name: 'looked-at',
        command: ['sleep', '999'],
        args: ['--env', 'KEY=a=b'],
      })
      const inspected = await reader.container(container.id)
      for (const given of [container.id.slice(0, 12), container.name])
        assert.equal((await reader.container(given)).id, container.id)
      assert.equal(inspected.pid, await container.pid())
      assert.equal(inspected.name, container.name)
      assert.ok(inspected.image.endsWith(fixtureImage), inspected.image)
      assert.equal(inspected.imageId, (await reader.image(fixtureImage)).id)
      assert.deepEqual(inspected.command, ['sleep', '999'])
      assert.ok(inspected.env.includes('KEY=a=b'))
      assert.ok(Date.parse(inspected.startedAt) >= Date.parse(inspected.createdAt))
      assert.deepEqual([inspected.user, inspected.health], ['', 'none'])
      if (name === 'docker-containerd') assert.equal(inspected.graphDriver, null)
      else assert.ok(inspected.graphDriver?.data['UpperDir']?.startsWith(`${engine.dataRoot}/`))

      await engine.cli('pause', container.id)
      assert.equal((await reader.container(container.id)).state, 'paused')
      await engine.cli('unpause', container.id)
      await engine.cli('stop', '--time', '0', container.id)
      const stopped = await reader.container(container.id)
      assert.deepEqual([stopped.state, stopped.pid], ['exited', 0])
    })

    test('tells user, mounts and what of the host it was given', async () => {
      const mounts = [
        '--volume',
        '/usr:/host/usr:ro',
        '--volume',
        `${engine.prefix}data:/data`,
        '--tmpfs',
        '/run',
      ]
      const limits = ['--memory', '64m', '--pids-limit', '50', '--cap-drop', 'CHOWN', '--cap-add', 'sys_time']
      const more = ['--read-only', '--security-opt', 'no-new-privileges', '--pid', 'host', '--userns', 'host']
      const { id } = await engine.run({ args: ['--user', '1000:1000', ...mounts, ...limits, ...more] })
      const { user, mounts: told, hostConfig } = await reader.container(id)
      assert.equal(user, '1000:1000')
      const bind = told.find((mount) => mount.target === '/host/usr')
      assert.deepEqual([bind?.type, bind?.source, bind?.writable], ['bind', '/usr', false])
      const volume = told.find((mount) => mount.target === '/data')
      assert.deepEqual([volume?.type, volume?.writable], ['volume', true])
      assert.ok(volume?.source.startsWith(`${engine.dataRoot}/`))
      assert.equal(told.find((mount) => mount.target === '/run')?.type, 'tmpfs')
      assert.deepEqual([hostConfig.memoryBytes, hostConfig.pidsLimit], [64 * 1024 * 1024, 50])
      assert.deepEqual(
        [hostConfig.readonlyRootfs, hostConfig.privileged, hostConfig.pidMode],
        [true, false, 'host'],
      )
      assert.ok(hostConfig.capAdd.includes('SYS_TIME'))
      assert.ok(hostConfig.capDrop.includes('CHOWN'))
      assert.ok(hostConfig.securityOptions.some((option) => option.startsWith('no-new-privileges')))
    })

    test('tells health', async () => {
      const health = ['--health-cmd', 'exit 1', '--health-interval', '1s', '--health-retries', '1']
      const { id } = await engine.run({ args: health })
      const first = await reader.container(id)
      assert.ok(['starting', 'unhealthy'].includes(first.health), first.health)
      assert.deepEqual(first.hostConfig.healthCheck, ['CMD-SHELL', 'exit 1'])
    })

    test('takes 10,000 labels', async () => {
      const labels = Object.fromEntries(
        Array.from({ length: 10_000 }, (_, index) => [`label.${index}`, `value ${index}`]),
      )
      const { id } = await engine.run({ labels })
      assert.deepEqual((await reader.container(id)).labels, labels)
      const listed = (await reader.containers({ all: false })).find((container) => container.id === id)
      assert.deepEqual(listed?.labels, labels)
    })

    test('lists, inspects and tells the history of images', async () => {
      const listed = (await reader.images()).find(({ tags }) =>
        tags.some((tag) => tag.endsWith(fixtureImage)),
      )
      const image = await reader.image(fixtureImage)
      assert.equal(image.id, listed?.id)
      assert.equal((await reader.image(image.id)).id, image.id)
      assert.deepEqual([image.command, image.layers, image.architecture], [['sh'], 1, 'amd64'])
      assert.ok(image.sizeBytes > 1_000_000)
      assert.equal((await reader.imageHistory(fixtureImage)).length, 1)
    })

    test('says when there is no such container or image', async () => {
      const isMissing = (what: string) => (error: unknown) =>
        error instanceof UserError &&
        error.isMissing &&
        error.message === `there is no ${what} on the engine at ${engine.address}`
      await assert.rejects(reader.container('nobody'), isMissing("container 'nobody'"))
      await assert.rejects(reader.image('no/such:image'), isMissing("image 'no/such:image'"))
    })

    test('reports start, pause, rename, die and destroy in their order, from the call on', async () => {
      const stop = new AbortController()
      const events = reader.events(stop.signal)
      const container = await engine.run({ name: 'lively' })
      await engine.cli('pause', container.id)
      await engine.cli('unpause', container.id)
      await engine.cli('rename', container.id, `${container.name}-renamed`)
      await engine.cli('rm', '--force', container.id)
      const seen: EngineEvent[] = []
      for await (const event of events) {
        if (event.type !== 'container' || event.id !== container.id) continue
        seen.push(event)
        if (event.action === 'destroy') break
      }
      const told = ['start', 'pause', 'unpause', 'rename', 'die', 'destroy']
      assert.deepEqual(
        seen.map(({ action }) => action).filter((action) => told.includes(action)),
        told,
      )
      const start = seen.find(({ action }) => action === 'start')
      assert.equal(start?.name, container.name)
      assert.equal(seen.at(-1)?.name, `${container.name}-renamed`)
      assert.ok(seen.every((event, index) => index === 0 || event.timeNs >= (seen[index - 1]?.timeNs ?? 0n)))
      stop.abort()
    })
  })
}
