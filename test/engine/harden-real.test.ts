import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openEngine } from '../../src/engine/client.ts'
import { openWriter } from '../../src/engine/writer.ts'
import { harden } from '../../src/harden/harden.ts'
import { takeIn } from '../../src/harden/image-stream.ts'
import { verify } from '../../src/harden/verify.ts'
import { testImage } from '../../src/harden/test-image.ts'
import { engineNames, testEngine } from './harness.ts'
import { beyondCommand, buildReal, realImages } from './real-images.ts'

/*
 * Real services on Debian, hardened by rules and by a traced run: each result does more than the traced run did: other pages and
 * queries, errors, a reload, TLS, time zones, a graceful stop. All five on one engine, one of them on every engine:
 * `bench/harden.ts --engines` does all on all.
 */

for (const engineName of engineNames) {
  describe(engineName, async () => {
    const engine = await testEngine(engineName)
    const reader = await openEngine(engine.address.slice('unix://'.length))
    const signal = new AbortController().signal
    const writer = await openWriter(reader, signal)

    for (const [name, real] of Object.entries(realImages)) {
      if (engineName !== 'docker' && name !== 'nginx') continue
      test(`${name}, by rules and by trace`, async () => {
        const image = await buildReal(engine, name)
        for (const trace of [false, true]) {
          const tag = `${image}-${trace ? 'trace' : 'rules'}`
          const options = { image, tag, keep: [], without: [], with: [], trace, signal }
          const test = { commands: [real.test], folder: '/', env: [] }
          const result = await harden(reader, { ...options, test })
          assert.ok(result.ok, JSON.stringify(result.test))
          const { before, after } = result
          assert.deepEqual([after.setuid, after.worldWritableFiles, after.packageManagers], [0, 0, []])
          const half = real.mostlyItsOwn === true ? before.sizeBytes : before.sizeBytes / 2
          assert.ok(after.sizeBytes <= half, `${before.sizeBytes} became ${after.sizeBytes}`)
          const { peer } = real
          if (trace && peer !== null)
            assert.ok(
              after.sizeBytes <= peer.sizeMB * 1.1e6,
              `${after.sizeBytes} where ${peer.sizeMB} MB are known`,
            )

          const choice = { keep: [], without: [], with: [], signal }
          const again = await verify(reader, { ...choice, image: tag })
          const left = again.rules.flatMap(({ rule, deeds }) => deeds.map(({ path }) => `${rule.id} ${path}`))
          assert.deepEqual(left, [], 'a second look finds nothing')

          const { config, close } = await takeIn(writer.saveImages([tag]))
          close()
          const more = { commands: [beyondCommand(real, true)], folder: '/', env: ['TZ=Asia/Tokyo'] }
          const run = await testImage({ engine: reader, writer, signal }, tag, config, more, false)
          assert.deepEqual(
            run.steps.map(({ what, ok, said }) => [
              what === 'stop' ? what : 'test',
              ok,
              said.split(/[:\n]/)[0],
            ]),
            [
              ['test', true, 'exit code 0'],
              ['stop', true, 'exit code 0'],
            ],
            `${name} ${trace ? 'traced' : 'by rules'}: ${JSON.stringify(run.steps)}`,
          )
        }
      })
    }
  })
}
