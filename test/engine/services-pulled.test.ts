import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { freePort, makeHerd } from './herd.ts'
import { testEngine } from './harness.ts'
import { testRegistry } from './registry.ts'

/*
 * The sample herd on images of the layout that the official ones have: programs in /usr/local, an entrypoint script, an
 * environment and a volume of the image's own. Made of what the herd's Debian packages give, offered by a registry on loopback.
 */

const engine = await testEngine('docker-bridge')
const herd = makeHerd(engine, 'pulled')
const work = mkdtempSync('/var/tmp/paddock-official-')
herd.env['PADDOCK_WEB_PORT'] = String(await freePort())
cpSync('herd', herd.dir, { recursive: true, filter: (path) => !path.startsWith('herd/base') })
const images: string[] = []
after(async () => {
  await herd.remove()
  for (const image of images) await engine.cli('image', 'rm', '-f', image).catch(() => undefined)
  rmSync(work, { recursive: true, force: true })
})

interface Official {
  /** What is moved in the root file system of Debian's packages, in their order. */
  readonly moves: readonly (readonly [from: string, to: string])[]
  readonly links: readonly (readonly [path: string, to: string])[]
  readonly entrypoint: string
  readonly settings: object
}

const official: Readonly<Record<string, Official>> = {
  web: { moves: [], links: [], entrypoint: 'docker-entrypoint.sh', settings: { StopSignal: 'SIGQUIT' } },
  redis: {
    moves: [
      ['usr/bin/redis-check-rdb', 'usr/local/bin/redis-server'],
      ['usr/bin/redis-cli', 'usr/local/bin/redis-cli'],
    ],
    links: [['usr/local/bin/redis-check-rdb', 'redis-server']],
    entrypoint: 'usr/local/bin/docker-entrypoint.sh',
    settings: { Volumes: { '/data': {} }, WorkingDir: '/data' },
  },
  api: {
    moves: [
      ['usr/bin/python3.11', 'usr/local/bin/python3.11'],
      ['usr/lib/python3.11', 'usr/local/lib/python3.11'],
    ],
    links: [['usr/local/bin/python3', 'python3.11']],
    entrypoint: 'usr/local/bin/docker-entrypoint.sh',
    settings: { Env: ['PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin', 'LANG=C.UTF-8'] },
  },
}

const services = Object.keys(official)
// Other files build the herd under its own names, on the same engine.
for (const service of services)
  edit(service, (compose) => compose.replace('image: herd/', 'image: official/'))

function edit(service: string, change: (compose: string) => string): void {
  const file = join(herd.dir, service, 'compose.yaml')
  const compose = readFileSync(file, 'utf8')
  const changed = change(compose)
  assert.notEqual(changed, compose)
  writeFileSync(file, changed)
}

async function well(...args: string[]): Promise<string> {
  const { code, out, err } = await herd.paddock(...args)
  assert.equal(code, 0, out + err)
  return err
}

/** @returns the tar of an image of that layout */
async function officialRoot(service: string, { moves, links, entrypoint }: Official): Promise<Buffer> {
  const [root, tar] = [join(work, service), join(work, `${service}.tar`)]
  const container = await engine.cli('create', `official/${service}:built`)
  await engine.cli('export', '--output', tar, container)
  await engine.cli('rm', container)
  mkdirSync(root)
  execFileSync('tar', ['-xf', tar, '-C', root])
  for (const folder of ['usr/local/bin', 'usr/local/lib']) mkdirSync(join(root, folder), { recursive: true })
  for (const [from, to] of moves) {
    mkdirSync(dirname(join(root, to)), { recursive: true })
    execFileSync('mv', [join(root, from), join(root, to)])
  }
  for (const [path, to] of links) execFileSync('ln', ['-sfn', to, join(root, path)])
  // Whoever runs it fails: there is no such interpreter.
  writeFileSync(join(root, entrypoint), '#!/no/shell\n', { mode: 0o755 })
  return execFileSync('tar', ['-c', '--owner=0', '--group=0', '--numeric-owner', '-C', root, '.'], {
    maxBuffer: 2 ** 30,
  })
}

// A firewall that drops packets: it takes what is said, and never answers. It is waited for beside the other tests.
const open: Socket[] = []
const silent = createServer((socket) => open.push(socket)).listen(0, '127.0.0.1')
await once(silent, 'listening')
const { port } = silent.address() as AddressInfo
herd.service('patient', {
  'compose.yaml': `services:
  patient: { image: 'official/patient:\${PADDOCK_TAG:-live}', build: . }
x-paddock:
  harden: false
  base: { image: '127.0.0.1:${port}/base@sha256:${'b'.repeat(64)}', packages: [busybox-static] }
`,
  Dockerfile: 'ARG BASE\nFROM ${BASE}\n',
})
images.push('official/patient:latest', 'official/patient:built')
const patient = herd.paddock('build', 'patient')

test('no registry answers, at once: the whole herd is of packages, and it is told', async () => {
  const said = await well('build', ...services)
  for (const service of services) {
    assert.match(
      said,
      new RegExp(
        `^${service}: no registry gave docker.io/library/\\S+ .*: making it of Debian packages$`,
        'm',
      ),
    )
    images.push(`official/${service}:latest`, `official/${service}:built`)
  }
})

test('a registry answers with images of another layout: they build, are hardened and pass their tests', async () => {
  for (const [service, layout] of Object.entries(official)) {
    await using registry = await testRegistry(await officialRoot(service, layout), {
      Entrypoint: [`/${layout.entrypoint}`],
      Cmd: ['nothing'],
      ...layout.settings,
    })
    images.push(registry.reference)
    edit(service, (compose) =>
      compose.replace(/docker\.io\/library\/\S+@sha256:[0-9a-f]{64}/, registry.reference),
    )
    assert.doesNotMatch(await well('build', service), /Debian packages/)
  }
  await well('test', ...services)
  await well('promote', ...services)
  await well('up', ...services)
  const names = await engine.cli('ps', '--format', '{{.Names}}', '--filter', `label=paddock.herd=${herd.dir}`)
  const { code, out, err } = await herd.paddock('scan', ...names.split('\n'))
  assert.equal(code, 0, out + err)
  for (const name of names.split('\n')) {
    const exe = await engine.cli('inspect', '--format', '{{json .Path}}', name)
    assert.match(exe, /^"(nginx|redis-server|python3)"$/)
  }
})

test('a registry that says nothing is not waited for long', async () => {
  const { code, err } = await patient
  for (const socket of open) socket.destroy()
  silent.close()
  assert.equal(code, 0, err)
  assert.match(
    err,
    /its registry has 20 s to answer\n.*does not answer in time.*: making it of Debian packages/,
  )
})
