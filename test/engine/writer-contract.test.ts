import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { openEngine } from '../../src/engine/client.ts'
import { openWriter } from '../../src/engine/writer.ts'
import { tarOf, waitingProgram } from '../../src/uidmap/probe-program.ts'
import { engineNames, fixtureImage, testEngine } from './harness.ts'

for (const name of engineNames) {
  describe(name, async () => {
    const engine = await testEngine(name)
    const reader = await openEngine(engine.address.slice('unix://'.length))
    const writer = await openWriter(reader, new AbortController().signal)
    const image = `${engine.prefix}writer:1`

    // Podman names what it imports otherwise; no command of Paddock moves its images.
    if (name !== 'podman')
      test('an image is imported, saved, removed and loaded', async () => {
        const program = waitingProgram(process.arch)
        await writer.importImage(Readable.from([tarOf('wait', program)]), image)
        const saved: Buffer[] = []
        for await (const piece of writer.saveImages([image])) saved.push(piece)
        await writer.removeImage(image)
        await assert.rejects(reader.image(image), /there is no image/)
        await writer.loadImages(Readable.from(saved))
        const id = await writer.createContainer({ image, command: ['/wait'], labels: {} })
        assert.equal((await writer.readFile(id, '/wait', 4096))?.compare(program), 0)
        await writer.removeContainer(id)
        await writer.removeImage(image)
      })

    test('a container is created, started and removed', async () => {
      const created = { image: fixtureImage, command: ['sleep', '100000'], labels: { who: 'me' } }
      const id = await writer.createContainer({ ...created, mostProcesses: 100 })
      assert.equal(await engine.cli('inspect', '--format', '{{.HostConfig.PidsLimit}}', id), '100')
      await writer.startContainer(id)
      const container = await reader.container(id)
      assert.deepEqual([container.state, container.labels['who']], ['running', 'me'])
      await writer.removeContainer(id)
      await assert.rejects(reader.container(id), /there is no container/)
    })

    test('a program runs in a container, its exit code and output are told, and the container is stopped', async () => {
      const { id } = await engine.run({ command: ['sh', '-c', 'trap "exit 0" TERM; sleep 100000 & wait'] })
      const ran = await writer.run(id, ['sh', '-c', 'echo out; echo err >&2; exit 3'])
      assert.deepEqual(
        [ran.exitCode, /out/.test(ran.output.toString()), /err/.test(ran.output.toString())],
        [3, true, true],
      )
      await writer.stopContainer(id, 5)
      assert.equal((await reader.container(id)).state, 'exited')
      assert.equal(await writer.exitCode(id), 0)
    })

    test("a container's file is read whole or not at all, and never through what is none", async () => {
      const script = 'ln -s /etc/passwd /link; mkfifo /fifo; head -c 5000 /dev/zero >/big; exec sleep 100000'
      const { id } = await engine.run({ command: ['sh', '-c', script] })
      assert.match((await writer.readFile(id, '/etc/passwd', 4096))?.toString() ?? '', /^root:x:0:0:/)
      for (const path of ['/fifo', '/etc', '/nothing'])
        assert.equal(await writer.readFile(id, path, 4096), null, path)
      // Podman follows a link, inside the container; Docker gives the link itself.
      const linked = await writer.readFile(id, '/link', 4096)
      assert.ok(linked === null || linked.includes('/home/app'))
      await assert.rejects(writer.readFile(id, '/big', 4096), /longer than/)
      await engine.cli('kill', id)
      assert.match((await writer.readFile(id, '/etc/passwd', 4096))?.toString() ?? '', /^root:x:0:0:/)
    })

    test('what the engine refuses is said in its words', async () => {
      await assert.rejects(writer.loadImages(Readable.from(['no tar'])), {
        name: 'UserError',
        message: /^cannot load images of the engine at unix:\/\/.*: it answers \d+: ./,
      })
      const none = { image: `${engine.prefix}none:1`, command: [], labels: {} }
      await assert.rejects(writer.createContainer(none), {
        name: 'UserError',
        message: /cannot create a container/,
      })
    })
  })
}
