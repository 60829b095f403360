import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { runDocker } from './docker-client.ts'
import { fixtureImage, testEngine } from './harness.ts'
import { makeHerd } from './herd.ts'

/* The base that services with a shell build on, here from Debian's busybox, and a service on it with switches of its own. */

const engine = await testEngine('docker-bridge')
const herd = makeHerd(engine, 'based')
after(() => herd.remove())
const base = `${engine.prefix}base:1`

test('its default is one version of Alpine, by digest', () => {
  const [, from] = /^ARG BASE=(\S+)$/m.exec(readFileSync('herd/base/Dockerfile', 'utf8')) ?? []
  assert.match(from ?? '', /^docker\.io\/library\/alpine:\d+\.\d+\.\d+@sha256:[0-9a-f]{64}$/)
})

test('it builds on any image, and each command of an interactive shell is in the layer directory before it runs', async () => {
  await runDocker(engine.address, [
    ...[
      'build',
      '--quiet',
      '--network',
      'none',
      '--build-arg',
      `BASE=${fixtureImage}`,
      '--tag',
      base,
      'herd/base',
    ],
  ])
  const { id } = await engine.run({ image: base, command: ['sleep', '1000000'], args: ['--user', '1000'] })
  const shell = spawn('docker', ['exec', '-i', id, 'sh', '-i'], {
    env: engine.env,
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  shell.stdin.end('echo one\ncat /var/log/shell/history\nexit\n')
  // The second command reads itself: it was written down before it ran.
  assert.match(await text(shell.stdout), /one\n[^]*echo one\ncat \/var\/log\/shell\/history/)
  await engine.cli('exec', id, 'sh', '-c', 'echo by a script')
  const { containers } = await herd.json(1, 'scan', id).then((scan) => scan as unknown as Scan)
  const history = containers[0]?.changes.find(({ path }) => path === '/var/log/shell/history')
  assert.equal(history?.kind, 'added', JSON.stringify(containers))
  const written = await engine.cli('exec', id, 'cat', '/var/log/shell/history')
  assert.match(written, /^echo one\ncat \/var\/log\/shell\/history/)
  assert.doesNotMatch(written, /by a script/)
})

test('a service names its folder as its base: built on what else is named, and the service on that', async () => {
  cpSync('herd/base', join(herd.dir, 'base'), { recursive: true })
  herd.service('shelled', {
    'compose.yaml': `services:
  shelled: { image: 'herd/shelled:\${PADDOCK_TAG:-live}', build: . }
x-paddock:
  harden: false
  base: { folder: ../base, packages: [coreutils, dash, grep] }
`,
    Dockerfile: 'ARG BASE\nFROM ${BASE}\nCMD ["sleep", "1000000"]\n',
  })
  const { code, err } = await herd.paddock('build', 'shelled')
  assert.equal(code, 0, err)
  assert.match(err, /^shelled: building its base \.\.\/base$/m)
  const env = await engine.cli('image', 'inspect', '--format', '{{json .Config.Env}}', 'herd/shelled:latest')
  assert.match(env, /HISTFILE=\/var\/log\/shell\/history/)
  const container = await engine.run({ image: 'herd/shelled:latest' })
  assert.match(await container.exec('grep', '^service:', '/etc/passwd'), /^service:x:1000:1000:/)

  const compose = join(herd.dir, 'shelled/compose.yaml')
  writeFileSync(compose, readFileSync(compose, 'utf8').replace('../base', '../bass'))
  const missing = await herd.paddock('build', 'shelled')
  assert.equal(missing.code, 2)
  assert.match(missing.err, /cannot build the base '\.\.\/bass' of 'shelled': /)
})

test('a service on it is hardened by its own switches: kept, left out, traced by its own test', async () => {
  const service = (name: string, harden: string) => {
    herd.service(name, {
      'compose.yaml': `services:
  ${name}:
    image: herd/${name}:\${PADDOCK_TAG:-live}
    build: { context: ., args: { BASE: "${base}" } }
    expose: ['8080']
x-paddock:
  harden: ${harden}
`,
      Dockerfile: `ARG BASE
FROM \${BASE}
RUN mkdir -p /usr/share/doc/x /srv && echo doc > /usr/share/doc/x/y && echo hello > /srv/index.html
EXPOSE 8080
USER 1000
CMD ["httpd", "-f", "-p", "8080", "-h", "/srv"]
`,
      test: '#!/bin/sh\nexec curl -fsS http://$PADDOCK_ADDR:$PADDOCK_PORT_8080/\n',
    })
  }
  const files = async (image: string) => {
    const id = await engine.cli('create', '--network', 'none', image)
    const archive = spawn('sh', ['-c', `docker export ${id} | tar -t`], { env: engine.env })
    const names = await text(archive.stdout)
    await engine.cli('rm', id)
    return new Set(names.split('\n').map((name) => `/${name}`))
  }
  service('rules', '{ keep: [/bin/od], without: [docs] }')
  service('traced', '{ trace: true }')
  const built = await herd.paddock('build', 'rules', 'traced')
  assert.equal(built.code, 0, built.out + built.err)
  const [rules, traced] = [await files('herd/rules:latest'), await files('herd/traced:latest')]
  assert.deepEqual(
    ['/bin/od', '/usr/share/doc/x/y', '/bin/ls', '/bin/chmod', '/srv/index.html'].map((path) =>
      rules.has(path),
    ),
    [true, true, true, false, true],
  )
  assert.deepEqual(
    ['/bin/od', '/usr/share/doc/x/y', '/bin/ls', '/bin/busybox', '/srv/index.html'].map((path) =>
      traced.has(path),
    ),
    [false, false, false, true, true],
  )
  service('rules', '{ without: [doc] }')
  const wrong = await herd.paddock('build', 'rules')
  assert.deepEqual(
    [wrong.code, /there is no rule 'doc', did you mean 'docs'\?/.test(wrong.err)],
    [2, true],
    wrong.err,
  )
})

interface Scan {
  readonly containers: readonly {
    readonly changes: readonly { readonly path: string; readonly kind: string }[]
  }[]
}
