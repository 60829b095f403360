import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { parse } from 'yaml'
import { makeHerd, webCompose } from './herd.ts'
import { testEngine } from './harness.ts'

/* A service that nobody wrote a policy for: its own test says what it is. */

const engine = await testEngine('docker-bridge')
const herd = makeHerd(engine, 'learnt')
after(() => herd.remove())

const compose = webCompose(
  'user: "0:0"\ncap_add: [DAC_OVERRIDE]\nexpose: ["8080"]',
  'healthyWithin: 10s',
).replace(
  '[httpd, -f, -p, "8080", -h, /etc]',
  '[sh, -c, "echo 1 >/tmp/app.pid && exec httpd -f -p 8080 -h /etc"]',
)
herd.service('web', {
  'compose.yaml': compose,
  test: `#!/usr/bin/env node
import { setTimeout as sleep } from 'node:timers/promises'
const { PADDOCK_ADDR, PADDOCK_PORT_8080 } = process.env
await sleep(3000)
const page = await fetch(\`http://\${PADDOCK_ADDR}:\${PADDOCK_PORT_8080}/os-release\`)
process.exit(page.status === 200 ? 0 : 1)
`,
})

test('what its test does is proposed as its policy; with that, it does nothing unexpected', async () => {
  // Closed as it is, it cannot write.
  const closed = await herd.paddock('test', 'web')
  assert.equal(closed.code, 1, closed.out)

  const learning = await herd.paddock('test', 'web', '--learn')
  assert.equal(learning.code, 0, learning.out + learning.err)
  const text = learning.out.replace(/^web: passed\n/, '')
  const { 'x-paddock': learnt } = parse(text) as {
    'x-paddock': {
      expect: { path: string; kinds: string[] }[]
      processes: { exe: string; args: string; required?: boolean }[]
    }
  }
  assert.deepEqual(
    learnt.expect.map(({ path, kinds }) => [path, kinds]),
    [['/tmp/app.pid', ['added']]],
  )
  const [httpd, check] = [/^-f -p/, /^-q -O/].map((args) =>
    learnt.processes.find((one) => args.test(one.args)),
  )
  assert.equal(httpd?.required, true, text)
  assert.notEqual(check, undefined, text)

  // More than production may was allowed: that is no pass.
  const promote = await herd.paddock('promote', 'web')
  assert.match(promote.err, /its test never passed/)

  const path = join(herd.dir, 'web/compose.yaml')
  const lines = text.split('\n').filter((line) => line.startsWith('  '))
  writeFileSync(path, `${readFileSync(path, 'utf8').trim()}\n${lines.join('\n')}\n`)
  const passed = await herd.paddock('test', 'web')
  assert.equal(passed.code, 0, passed.out + passed.err)
  const again = await herd.paddock('test', 'web', '--learn')
  assert.match(again.out, /^web: passed\n# Its test did nothing that .*compose\.yaml does not expect\.\n$/)
  const json = await herd.json(0, 'test', 'web', '--learn')
  const [told] = json['services'] as { learnt: { expect: unknown[]; leftOut: unknown[] } }[]
  assert.deepEqual([told?.learnt.expect, told?.learnt.leftOut], [[], []])
})
