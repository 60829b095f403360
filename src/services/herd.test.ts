import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { chooseServices, herdPath, openHerd, serviceNames } from './herd.ts'

const root = mkdtempSync(join(tmpdir(), 'paddock-herd-'))
after(() => rmSync(root, { recursive: true }))

function herdOf(folder: string, ...names: string[]) {
  for (const name of names) {
    mkdirSync(join(root, folder, name), { recursive: true })
    writeFileSync(join(root, folder, name, 'compose.yaml'), 'services: {}\n')
  }
  return openHerd(join(root, folder))
}

test('the herd is what --herd says, else PADDOCK_HERD, else ./herd', () => {
  assert.equal(herdPath('/a', { PADDOCK_HERD: '/b' }), '/a')
  assert.equal(herdPath(undefined, { PADDOCK_HERD: '/b' }), '/b')
  assert.equal(herdPath(undefined, { PADDOCK_HERD: '' }), join(process.cwd(), 'herd'))
})

test('two herds of one name have different ids; the same herd through a link has one', () => {
  const [one, two] = [herdOf('a/My Herd', 'web'), herdOf('b/My Herd', 'web')]
  assert.match(one.id, /^my-herd-[0-9a-f]{6}$/)
  assert.notEqual(one.id, two.id)
})

test('a service is a folder with a compose.yaml; a name or its unambiguous beginning chooses it', () => {
  const herd = herdOf('c', 'web', 'worker', 'redis', 'web-admin')
  mkdirSync(join(root, 'c/base'))
  assert.deepEqual(serviceNames(herd), ['redis', 'web', 'web-admin', 'worker'])
  assert.deepEqual(chooseServices(herd, ['r', 'web', 'redis'], false), ['redis', 'web'])
  assert.deepEqual(chooseServices(herd, [], true), ['redis', 'web', 'web-admin', 'worker'])
  assert.throws(
    () => chooseServices(herd, ['w'], false),
    /cannot tell which service 'w' is: web, web-admin, worker/,
  )
  assert.throws(() => chooseServices(herd, ['rdeis'], false), { hint: "did you mean 'redis'?" })
  assert.throws(() => chooseServices(herd, [''], false), /there is no service ''/)
  assert.throws(() => chooseServices(herd, ['web'], true), /--all is every service/)
})

test('a folder whose name compose could not use is refused, and a herd that is none', () => {
  const herd = herdOf('d', 'Web_1')
  assert.throws(() => chooseServices(herd, [], true), /its name is no service's name/)
  assert.throws(() => openHerd(join(root, 'nowhere')), /there is no such folder/)
  writeFileSync(join(root, 'file'), '')
  assert.throws(() => openHerd(join(root, 'file')), /it is no folder/)
})
