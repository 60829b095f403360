import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { makeHerd, webCompose } from './herd.ts'
import { testEngine } from './harness.ts'

/* What an operator gets wrong, and the one sentence that each gives. */

const engine = await testEngine('docker-bridge')
const herd = makeHerd(engine)
after(() => herd.remove())

const taken = createServer().listen(0, '127.0.0.1')
await once(taken, 'listening')
after(() => void taken.close())
const takenPort = (taken.address() as AddressInfo).port

const declared = {
  'bad-yaml': 'services:\n  web: { image: [\n',
  'bad-key': webCompose('', 'wvae: 2'),
  'bad-compose': 'services:\n  web: { image: x, prots: [80] }\n',
  'no-services': 'x-paddock: { wave: 1 }\n',
  'no-image': 'services:\n  web: { image: "127.0.0.1:1/no/such:image" }\n',
  'port-taken': webCompose(`ports: ["127.0.0.1:${takenPort}:8080"]`),
  'name-taken': webCompose(`container_name: ${engine.prefix}taken`),
  sick: webCompose('', 'healthyWithin: 4s').replace('os-release', 'no-such-file'),
  lonely: webCompose('', 'needs: [nobody]'),
  round: webCompose('', 'needs: [trip]'),
  trip: webCompose('', 'needs: [round]'),
  single: webCompose('ports: ["127.0.0.1:1:8080"]'),
}
for (const [name, compose] of Object.entries(declared))
  herd.service(name, { 'compose.yaml': compose.replace('  web:', `  ${name}:`) })

const refused: readonly (readonly [args: string, says: RegExp])[] = [
  ['config bad-yaml', /cannot use .*bad-yaml\/compose\.yaml:\d+:\d+: error/],
  ['up bad-key', /compose\.yaml:\d+:3: error: unknown key 'wvae'; write 'wave'/],
  ['config bad-compose', /cannot use .*bad-compose\/compose\.yaml: .*prots/],
  ['up no-services', /no-services\/compose\.yaml/],
  [
    'up no-image',
    /cannot fetch the image '127\.0\.0\.1:1\/no\/such:image' of 'no-image': .*; build it, or see whether/,
  ],
  ['up port-taken', /cannot start 'port-taken': .*address already in use; something else has that port/],
  ['up lonely', /it needs 'nobody', and the herd has no such service/],
  ['up round', /services need each other in a circle: round → trip → round/],
  ['scale single=2', /its port 1 is bound once and 2 replicas want one each; declare a range, '1-2:8080'/],
  ['scale single', /write SERVICE=N/],
  ['up', /no service is named; name one, or say --all/],
  ['up web --instance staging', /there is no instance 'staging'; it is prod, dev or test/],
  ['up nobody', /there is no service 'nobody' in the herd/],
  ['logs sick --tail many', /'many' is no number of lines/],
  ['shell single', /'single' has no container \(prod\); start it: paddock up single/],
  ['rollback single', /cannot roll 'single' back: nothing ran before what is live/],
  ['init Bad_Name', /'Bad_Name' is no name for a service/],
  ['init sick', /cannot make the service 'sick': .* is there already/],
  ['init new --from nothing', /there is no template 'nothing'/],
]

for (const [args, says] of refused) {
  test(`paddock ${args}: exit code 2 and one sentence`, async () => {
    const { code, out, err } = await herd.paddock(...args.split(' '))
    assert.equal(code, 2, out + err)
    assert.match(err, says)
    assert.equal(out, '')
  })
}

test('a container of that name that is not ours is not touched', async () => {
  const other = await engine.run({ name: 'taken' })
  const { code, err } = await herd.paddock('up', 'name-taken')
  assert.equal(code, 2)
  assert.match(err, /a container that is not Paddock's has that name/)
  assert.equal(await engine.cli('inspect', '--format', '{{.State.Running}}', other.id), 'true')
})

test('a service that never gets healthy is told, with what it printed; another Paddock meanwhile is sent away', async () => {
  const up = spawn(process.execPath, ['src/bin/paddock.ts', 'up', 'sick'], {
    env: herd.env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const lines: string[] = []
  let second: Promise<{ code: number | null; err: string }> | undefined
  createInterface(up.stderr).on('line', (line) => {
    lines.push(line)
    if (line === 'sick: starting') second ??= herd.paddock('down', 'sick')
  })
  const [code] = (await once(up, 'close')) as [number | null]
  assert.equal(code, 2)
  assert.match(lines.at(-1) ?? '', /cannot start 'sick': .*(unhealthy|timeout|deadline|not healthy)/i)
  const other = await second
  assert.equal(other?.code, 2)
  assert.match(
    other.err,
    /cannot stop 'sick': another paddock is at it \(process \d+, start, since .*\); wait until it is through/,
  )
  assert.equal((await herd.paddock('down', 'sick')).code, 0)
})

test('compose or docker that is missing or too old is told, with what to install', async () => {
  const folder = mkdtempSync('/var/tmp/paddock-no-compose-')
  after(() => rmSync(folder, { recursive: true }))
  const run = async (env: NodeJS.ProcessEnv) => {
    const child = spawn(process.execPath, ['src/bin/paddock.ts', 'up', 'single'], {
      env: { ...herd.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const said: string[] = []
    child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text))
    const [code] = (await once(child, 'close')) as [number | null]
    return { code, err: said.join('') }
  }
  const noDocker = await run({ PATH: folder })
  assert.equal(noDocker.code, 2)
  assert.match(
    noDocker.err,
    /cannot run 'docker': the program is not on the PATH; install docker with its compose plug-in/,
  )

  // The real client, and no plug-in.
  const noPlugin = await run({ DOCKER_CONFIG: folder })
  assert.equal(noPlugin.code, 2)
  assert.match(noPlugin.err, /the docker client has no compose plug-in; install/)

  // The real client, and a plug-in that says what an old one says.
  const plugins = join(folder, 'cli-plugins')
  mkdirSync(plugins)
  const metadata = '{"SchemaVersion":"0.1.0","Vendor":"test","Version":"v2.5.0","ShortDescription":"old"}'
  writeFileSync(
    join(plugins, 'docker-compose'),
    `#!/bin/sh
case "$*" in
  docker-cli-plugin-metadata) echo '${metadata}' ;;
  *version*) echo 2.5.0 ;;
  *) echo 'unknown flag: --project-directory' >&2; exit 16 ;;
esac
`,
  )
  chmodSync(join(plugins, 'docker-compose'), 0o755)
  const old = await run({ DOCKER_CONFIG: folder, PATH: [herd.env['PATH'], '/bin'].join(delimiter) })
  assert.equal(old.code, 2)
  assert.match(
    old.err,
    /cannot use 'docker compose' 2\.5\.0: it is too old, and Paddock needs 2\.20 or later/,
  )
})
