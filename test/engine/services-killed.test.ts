import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { freePort, makeHerd } from './herd.ts'
import { fixtureImage, testEngine } from './harness.ts'
import { suiteDir } from './packages.ts'

/*
 * An upgrade to a version that is not well, killed at each step that it has docker do, on the way there and on the way back:
 * once before the step, once while it runs and goes on without its Paddock.
 */

const engine = await testEngine('docker-bridge')
const herd = makeHerd(engine, 'steps')
after(async () => {
  await herd.remove()
  for (const tag of ['live', 'prev', 'latest', 'built'])
    await engine.cli('image', 'rm', `steps/site:${tag}`).catch(() => undefined)
})
const port = await freePort()
const folder = join(dirname(herd.dir), 'bin')
const steps = join(folder, 'steps')

/** Stands before a real program, and kills who called it. */
function intercept(path: string, real: string): void {
  mkdirSync(dirname(path), { recursive: true })
  const script = `#!/bin/sh
echo "$*" >>${steps}
if [ "$(wc -l <${steps})" = "$KILL_AT" ]; then
  kill -9 $PPID
  if [ "$KILL_HOW" = before ]; then exit 1; fi
  # Its Paddock no longer reads what it says: that alone is not to end it.
  exec ${real} "$@" >/dev/null 2>&1
fi
exec ${real} "$@"
`
  writeFileSync(path, script, { mode: 0o755 })
}
const client = join(suiteDir('trixie'), 'usr')
intercept(join(folder, 'docker'), join(client, 'bin/docker'))
intercept(
  join(folder, 'config/cli-plugins/docker-compose'),
  join(client, 'libexec/docker/cli-plugins/docker-compose'),
)

/** Runs a command of the service, and kills it at a step. */
async function killed(
  words: readonly string[],
  at: number,
  how: string,
): Promise<{ signal: string | null; said: string; steps: string[] }> {
  rmSync(steps, { force: true })
  const child = spawn(process.execPath, ['src/bin/paddock.ts', ...words], {
    env: {
      ...herd.env,
      PATH: `${folder}:${herd.env['PATH'] ?? ''}`,
      DOCKER_CONFIG: join(folder, 'config'),
      KILL_AT: String(at),
      KILL_HOW: how,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exit = once(child, 'exit') as Promise<[number | null, string | null]>
  // A step that goes on holds the pipes open: what is said until the end of Paddock is what counts.
  const said = Promise.race([text(child.stdout), exit.then(() => '')])
  const [[, signal], out] = await Promise.all([exit, said])
  child.stdout.destroy()
  child.stderr.destroy()
  return { signal, said: out, steps: readFileSync(steps, 'utf8').trim().split('\n') }
}

function compose(command: string): string {
  return `services:
  site:
    image: steps/site:\${PADDOCK_TAG}
    build: .
    command: [sh, -c, '${command}']
    restart: 'no'
    init: true
    stop_grace_period: 0s
    ports: ['127.0.0.1:${port}:8080']
x-paddock: { harden: false, watch: 1s, healthyWithin: 20s }
`
}

const serve = 'exec httpd -f -p 8080 -h /srv'

/** @returns how many times it was killed, each time followed by the one command that mends it */
async function killAll(words: readonly string[], steps: readonly string[], live: string): Promise<number> {
  for (const [index, step] of steps.entries()) {
    for (const how of ['before', 'while']) {
      const where = `${words[0] ?? ''} killed ${how} step ${index + 1} of ${steps.length}, ${step}`
      const { signal } = await killed(words, index + 1, how)
      assert.equal(signal, 'SIGKILL', where)
      const ps = await herd.paddock('ps')
      assert.equal(ps.code, 0, `${where}: ${ps.err}`)
      assert.equal(await idOf('steps/site:live'), live, where)
      assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), 'one', where)
      const left = await engine.cli(
        ...['ps', '-a', '--format', '{{.State}} {{.Label "paddock.instance"}}'],
        ...['--filter', `label=paddock.herd=${herd.dir}`],
      )
      assert.equal(left, 'running prod', where)
      assert.deepEqual(globSync('services/*/site/{intent,test-run}.json', { cwd: herd.state }), [], where)
      assert.equal(readdirSync(herd.policies).length, 1, where)
      assert.equal((await herd.paddock('ps')).err, '', where)
    }
  }
  return steps.length * 2
}

async function idOf(reference: string): Promise<string> {
  return engine.cli('image', 'inspect', '--format', '{{.Id}}', reference)
}

test('killed at any step, the next command brings back what ran before', async (t) => {
  herd.service('site', {
    'compose.yaml': compose(serve),
    Dockerfile: `FROM ${fixtureImage}\nCOPY files/ /\n`,
    'files/srv/index.html': 'one',
    test: '#!/bin/sh\nsleep 0.2\n',
  })
  const first = await herd.paddock('upgrade', 'site')
  assert.equal(first.code, 0, first.err)
  const live = await idOf('steps/site:live')
  // Well in its test, gone at once as production.
  herd.service('site', {
    'compose.yaml': compose(`[ \${PADDOCK_INSTANCE} = test ] || exit 1; ${serve}`),
    'files/srv/index.html': 'two',
  })
  assert.equal((await herd.paddock('build', 'site')).code, 0)
  const upgrade = ['upgrade', 'site', '--no-build', '--watch', '1s']
  const undisturbed = await killed(upgrade, 0, 'never')
  assert.match(undisturbed.said, /WENT BACK/)
  t.diagnostic(`upgrade: ${await killAll(upgrade, undisturbed.steps, live)} times`)

  // The tags of a promotion alone are all moved, or none.
  assert.equal((await herd.paddock('test', 'site')).code, 0)
  const promote = ['promote', 'site']
  const steps = ['compose config', 'tag :prev', 'tag :live']
  t.diagnostic(`promote: ${await killAll(promote, steps, live)} times`)
  // None of it is in the way of the next.
  herd.service('site', { 'compose.yaml': compose(serve) })
  const last = await herd.paddock('upgrade', 'site', '--no-build')
  assert.equal(last.code, 0, last.err)
  assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), 'two')
  assert.ok(existsSync(herd.state))
})
