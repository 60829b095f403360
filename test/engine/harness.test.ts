import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { engineNames, testEngine } from './harness.ts'
import { keeperVariable } from './keeper-client.ts'
import { removeStaleRuns } from './run-folder.ts'

for (const name of engineNames) {
  describe(name, async () => {
    const engine = await testEngine(name)

    test('runs a container from the fixture image', async () => {
      const container = await engine.run({ args: ['--user', '1000'] })
      assert.equal(await container.exec('id', '-u'), '1000')
      assert.ok((await container.pid()) > 1)
    })
  })
}

describe('docker-bridge', async () => {
  const engine = await testEngine('docker-bridge')

  test('publishes a port on 127.0.0.1', async () => {
    const serve = 'echo inside >/tmp/index.html; httpd -p 80 -h /tmp; echo up; sleep 1000'
    const args = ['--network', 'bridge', '--publish', '127.0.0.1::80']
    const { id } = await engine.run({ args, command: ['sh', '-c', serve] })
    while ((await engine.cli('logs', id)) !== 'up') await sleep(50)
    const response = await fetch(`http://${await engine.cli('port', id, '80')}/`)
    assert.equal(await response.text(), 'inside\n')
  })
})

/** A program outside this run, which starts a keeper of its own, runs containers and hangs. */
const program = `
  import { testEngine } from ${JSON.stringify(import.meta.resolve('./harness.ts'))}
  for (const name of ['docker-userns', 'podman', 'docker-bridge']) {
    const engine = await testEngine(name)
    await engine.run({ command: ['sh', '-c', 'trap "" TERM; sleep 1000'] })
    if (name === 'podman') console.log(engine.log)
  }
  console.log('up')
  setInterval(() => {}, 1000)
`

async function hangingRun(): Promise<{ child: ChildProcess; folder: string }> {
  const env = { ...process.env, [keeperVariable]: undefined }
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  while (!output.endsWith('up\n')) {
    assert.equal(child.exitCode, null, 'the program ended early')
    await sleep(100)
  }
  return { child, folder: output.replace(/\/podman\/log\nup\n$/, '') }
}

/** Whatever on this machine still names the run. */
function traces(folder: string): string[] {
  const run = folder.slice(folder.lastIndexOf('/') + 1)
  const commands = globSync('/proc/[0-9]*/cmdline').flatMap((file) => {
    try {
      return [readFileSync(file, 'utf8')]
    } catch {
      return []
    }
  })
  const links = execFileSync('ip', ['-brief', 'link'], { encoding: 'utf8' }).split('\n')
  return [
    ...commands.filter((line) => line.includes(folder)),
    ...readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.includes(run)),
    ...globSync([`/sys/fs/cgroup/${run}`, `/sys/fs/cgroup/*/${run}`]),
    ...links.filter((line) => line.startsWith(`pdk${run.slice(run.lastIndexOf('-'))}`)),
    ...(existsSync(folder) ? readdirSync(folder) : []),
  ]
}

test('a test process that is killed leaves nothing behind', async () => {
  const { child, folder } = await hangingRun()
  assert.ok(traces(folder).length > 10, 'the traces of a live run are seen')
  child.kill('SIGKILL')
  await once(child, 'exit')
  while (existsSync(folder)) await sleep(100)
  assert.deepEqual(traces(folder), [])
})

test('what a killed keeper leaves behind, the next one removes', async () => {
  const { child, folder } = await hangingRun()
  process.kill(Number(readFileSync(`${folder}/owner`, 'utf8').split(' ')[0]), 'SIGKILL')
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.ok(traces(folder).length > 10)
  while (existsSync(folder)) {
    await removeStaleRuns()
    await sleep(100)
  }
  assert.deepEqual(traces(folder), [])
})
