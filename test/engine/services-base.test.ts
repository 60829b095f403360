import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { after, test } from 'node:test'
import { makeHerd } from './herd.ts'
import { testEngine } from './harness.ts'
import { testRegistry } from './registry.ts'

/* What an image is made of: by its digest where a registry answers, of Debian packages where none does. */

const engine = await testEngine('docker-bridge')
const herd = makeHerd(engine, 'based')
const made: string[] = []
after(async () => {
  await herd.remove()
  for (const image of made) await engine.cli('image', 'rm', '-f', image).catch(() => undefined)
})

const declare = (name: string, base: string) => {
  made.push(`based/${name}:latest`, `based/${name}:built`)
  herd.service(name, {
    'compose.yaml': `services:
  ${name}: { image: 'based/${name}:\${PADDOCK_TAG:-live}', build: . }
x-paddock:
  harden: false
  base: ${base}
`,
    Dockerfile: 'ARG BASE\nFROM ${BASE}\nCOPY files/ /\nCMD ["/bin/busybox", "sleep", "1000"]\n',
    'files/etc/made': name,
  })
}

const layersOf = async (name: string) =>
  JSON.parse(
    await engine.cli('image', 'inspect', '--format', '{{json .RootFS.Layers}}', `based/${name}:latest`),
  ) as string[]

// Of another time than any image that the engine has.
const tar = execFileSync('tar', ['-c', '--owner=0', '--group=0', '-C', '/', 'etc/hostname'])
const registry = await testRegistry(tar)

test('a registry answers: the very image that the digest names', async () => {
  declare('pulled', `{ image: '${registry.reference}', packages: [busybox-static] }`)
  const first = await herd.paddock('build', 'pulled')
  assert.equal(first.code, 0, first.err)
  assert.match(first.err, /^pulled: fetching 127\.0\.0\.1:\d+\/base@sha256:/m)
  assert.equal((await layersOf('pulled'))[0], registry.layer)
  made.push(registry.reference)
})

test('none answers: what the engine has is taken, else Debian packages, and it is told', async () => {
  await registry[Symbol.asyncDispose]()
  const again = await herd.paddock('build', 'pulled')
  assert.equal(again.code, 0, again.err)
  assert.doesNotMatch(again.err, /fetching/)

  const other = registry.reference.replace(/.{64}$/, 'a'.repeat(64))
  declare('unpacked', `{ image: '${other}', packages: [busybox-static] }`)
  const unpacked = await herd.paddock('build', 'unpacked')
  assert.equal(unpacked.code, 0, unpacked.err)
  assert.match(unpacked.err, /^unpacked: no registry gave .* refused.*: making it of Debian packages$/m)
  assert.notEqual((await layersOf('unpacked'))[0], registry.layer)

  declare('none', `{ image: '${other}' }`)
  const none = await herd.paddock('build', 'none')
  assert.equal(none.code, 2)
  assert.match(none.err, /cannot fetch the base image '.*' of 'none': .*; build it, or see whether/)
})

test('an image without a digest is no base', async () => {
  declare('loose', '{ image: debian:12 }')
  const { code, err } = await herd.paddock('build', 'loose')
  assert.equal(code, 2)
  assert.match(err, /'debian:12' names no image by its digest; write it as 'debian@sha256:…'/)
})
