import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { engineNames, testEngine } from './harness.ts'

for (const name of engineNames) {
  describe(name, async () => {
    const engine = await testEngine(name)

    test('runs a container from the fixture image', async () => {
      const container = await engine.run({ labels: { 'paddock.test': 'yes' }, args: ['--user', '1000'] })
      assert.equal(await container.exec('id', '-u'), '1000')
      assert.ok((await container.pid()) > 1)
    })
  })
}
