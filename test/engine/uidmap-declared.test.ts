import assert from 'node:assert/strict'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { makeHerd } from './herd.ts'
import { fixtureImage, testEngine } from './harness.ts'

/* `paddock uidmap check` of what a herd declares and nobody has started, on an engine that remaps. */

const engine = await testEngine('docker-userns')
const herd = makeHerd(engine)
const base = mkdtempSync('/var/tmp/paddock-uidmap-declared-')
const root = Number(/\/(\d+)\.\d+$/.exec(await engine.cli('info', '--format', '{{.DockerRootDir}}'))?.[1])
const volume = `${engine.prefix}cache`
after(async () => {
  await herd.remove()
  await engine.cli('volume', 'rm', volume)
  rmSync(base, { recursive: true })
})

const data = join(base, 'data')
mkdirSync(data)
chmodSync(base, 0o755)
chownSync(data, 1000, 1000)
chmodSync(data, 0o700)
await engine.cli('volume', 'create', volume)
herd.service('web', {
  'compose.yaml': `services:
  web:
    image: ${fixtureImage}
    user: app
    command: [sleep, "1000"]
    volumes:
      - ${data}:/data
      - cache:/cache
      - \${PADDOCK_DATA}/own:/own
      - ${base}/nowhere:/nowhere
  side:
    image: ${fixtureImage}
    user: "65534"
    volumes: ["${data}:/data:ro", "later:/later"]
volumes:
  cache: { name: ${volume}, external: true }
  later: {}
x-paddock:
  data: [{ path: own, owner: "1000:1000" }]
`,
})

interface Check {
  readonly ok: boolean
  readonly containers: readonly {
    readonly id: string | null
    readonly name: string
    readonly declared: boolean
    readonly ok: boolean
    readonly mounts: readonly {
      readonly target: string
      readonly people: readonly { readonly name: string; readonly hostUid: number }[]
      readonly problems: readonly {
        readonly kind: string
        readonly path: string
        readonly mend: string | null
      }[]
    }[]
  }[]
  readonly failures: readonly { readonly container: string; readonly error: string }[]
}

const check = async (code: number, ...args: string[]) =>
  (await herd.json(code, 'uidmap', 'check', '--engine', engine.address, ...args)) as unknown as Check
const problems = ({ containers }: Check, name: string) =>
  (containers.find((one) => one.name === name)?.mounts ?? []).map(({ target, problems: found }) => [
    target,
    ...found.map(({ kind, mend }) => `${kind}: ${mend ?? '-'}`),
  ])

test('what declared services will not be able to use is found before they start, and mended by what it says', async () => {
  const found = await check(1, 'web')
  assert.deepEqual(
    found.containers.map(({ id, name, declared }) => [id, name, declared]),
    [
      [null, 'web', true],
      [null, 'web/side', true],
    ],
  )
  assert.equal(found.containers[0]?.mounts[0]?.people[0]?.hostUid, root + 1000)
  // The folder that `up` makes is none of them, and the volume that is not there yet neither.
  const mine = `${root + 1000}:${root + 1000}`
  assert.deepEqual(problems(found, 'web'), [
    ['/data', `source: chown ${mine} ${data}`],
    [
      '/cache',
      `source: chown ${mine} ${await engine.cli('volume', 'inspect', '--format', '{{.Mountpoint}}', volume)}`,
    ],
    ['/nowhere', 'path: -'],
  ])
  assert.deepEqual(
    problems(found, 'web/side').map(([target]) => target),
    ['/data'],
  )
  chownSync(data, root + 1000, root + 1000)
  assert.deepEqual(problems(await check(1, 'web'), 'web')[0], ['/data'])

  const told = await herd.paddock('uidmap', 'check', 'web', '--engine', engine.address)
  assert.match(told.out, /^ {2}web \(declared\):\/nowhere ← .*\/nowhere\n.*\n {6}.*no such/m)
})

test('without a name it is told beside the containers; once the container is there, it alone is looked at', async () => {
  const other = await engine.run({ name: 'other' })
  const all = await check(1)
  assert.ok(all.containers.some(({ id, declared }) => id === other.id && !declared))
  assert.ok(all.containers.some(({ name }) => name === 'web/side'))
  const labels = {
    'paddock.herd': herd.dir,
    'paddock.service': 'web',
    'paddock.instance': 'prod',
    'com.docker.compose.project': await project(),
    'com.docker.compose.service': 'web',
  }
  const made = await engine.run({ name: 'declared-web', labels })
  const { containers } = await check(1)
  assert.deepEqual(
    containers.filter(({ declared }) => declared).map(({ name }) => name),
    ['web/side'],
  )
  assert.ok(containers.some(({ id }) => id === made.id))
})

test('a declaration that compose refuses, an image that is not there, and a name that is nobody’s are said', async () => {
  herd.service('broken', { 'compose.yaml': 'services:\n  broken:\n    imagee: x\n' })
  herd.service('unbuilt', { 'compose.yaml': 'services:\n  unbuilt:\n    build: .\n' })
  const { failures } = await check(2)
  assert.match(failures.find(({ container }) => container === 'broken')?.error ?? '', /imagee/)
  assert.match(
    failures.find(({ container }) => container === 'unbuilt')?.error ?? '',
    /has no image '.*unbuilt:live' yet/,
  )
  const nobody = await herd.paddock('uidmap', 'check', 'nobody', '--engine', engine.address)
  assert.equal(nobody.code, 2)
  assert.match(nobody.err, /there is no container 'nobody'/)
})

async function project(): Promise<string> {
  const [config] = [await herd.paddock('config', 'web', '--engine', engine.address)]
  return /^name: (\S+)$/m.exec(config.out)?.[1] ?? ''
}
