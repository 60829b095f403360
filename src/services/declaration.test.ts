import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readComposeText } from './declaration.ts'

function read(text: string) {
  return readComposeText('web/compose.yaml', text)
}

const services = 'services:\n  web: { image: x, read_only: false }\n  side: { image: y }\n'

test('settings and policy under x-paddock are read, what is absent is as usual', () => {
  const { settings, policy, writable } = read(
    `${services}x-paddock:
  wave: 2
  needs: [redis]
  healthyWithin: 90s
  data: [{ path: db, owner: "999:998", mode: "0700" }]
  test: { timeout: 10s, data: copy, disk: 50MiB }
  base: { packages: [nginx] }
  harden: false
  expect: [/run/x.pid]
  exec: deny
`,
  )
  assert.equal(settings.wave, 2)
  assert.deepEqual(settings.needs, ['redis'])
  assert.equal(settings.healthyWithinMs, 90_000)
  assert.deepEqual(settings.data, [{ path: 'db', uid: 999, gid: 998, mode: 0o700 }])
  assert.deepEqual(settings.test, { timeoutMs: 10_000, data: 'copy', diskBytes: 50 * 2 ** 20 })
  assert.equal(settings.harden.on, false)
  const switches = '{ keep: [/usr/bin/curl], without: [docs], with: [sticky-tmp], trace: true }'
  assert.deepEqual(read(`${services}x-paddock:\n  harden: ${switches}\n`).settings.harden, {
    ...{ on: true, keep: ['/usr/bin/curl'], without: ['docs'], with: ['sticky-tmp'], trace: true },
  })
  assert.equal(policy?.declaration.exec, 'deny')
  assert.deepEqual(policy.values, { expect: ['/run/x.pid'], exec: 'deny' })
  assert.deepEqual([...writable], ['web'])
  assert.equal(read(services).policy, null)
  assert.equal(read(`${services}x-paddock:\n`).settings.wave, 1)
})

const refused: readonly (readonly [yaml: string, message: RegExp])[] = [
  ['  wvae: 2', /compose\.yaml:5:3: error: unknown key 'wvae'; write 'wave'/],
  ['  expct: [/x]', /unknown key 'expct'; write 'expect'/],
  ['  wave: 0', /wave cannot be '0'; write a number from 1 to 99/],
  ['  needs: [../redis]', /'\.\.\/redis' is not a service's name/],
  ['  healthyWithin: soon', /'soon' is not a length of time/],
  ['  data: [{ path: ../../etc }]', /is no path below PADDOCK_DATA/],
  ['  data: [{ path: /etc }]', /is no path below PADDOCK_DATA/],
  ['  data: [{ path: db, owner: root }]', /'root' is no owner; write the ids/],
  ['  data: [{ path: db, mode: rwx }]', /'rwx' is no mode/],
  ['  test: { data: everything }', /data cannot be 'everything'/],
  ['  harden: { kep: [/x] }', /unknown key 'kep'; write 'keep'/],
  ['  harden: { trace: perhaps }', /trace cannot be 'perhaps'/],
  ['  test: { disk: much }', /'much' is not a size/],
  ['  base: { packages: ["-o=x"] }', /is not a Debian package's name/],
  ['  expect: [relative/**]', /the pattern 'relative\/\*\*' cannot be used/],
  ['  expect: /x', /expect is a list/],
]

for (const [yaml, message] of refused) {
  test(`refused, with its line: ${yaml.trim()}`, () => {
    assert.throws(() => read(`${services}x-paddock:\n${yaml}\n`), message)
  })
}

test('what is no compose file is refused', () => {
  assert.throws(() => read('services: [\n'), /compose\.yaml:\d+:\d+: error/)
  assert.throws(() => read('just text\n'), /it is no compose file/)
  assert.throws(() => read('\tservices: {}\n'), /indent with spaces|tab/)
})
