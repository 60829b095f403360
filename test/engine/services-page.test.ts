import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { freePort, makeHerd } from './herd.ts'
import { testEngine } from './harness.ts'

/* What docs/services.md tells a newcomer to type, typed. */

const engine = await testEngine('docker-bridge')
const herd = makeHerd(engine)
after(async () => {
  await herd.remove()
  for (const tag of ['live', 'prev', 'latest', 'built'])
    await engine.cli('image', 'rm', `herd/site:${tag}`).catch(() => undefined)
})

const page = readFileSync('docs/services.md', 'utf8')
const blocks = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block)

async function type(command: string): Promise<{ code: number | null; said: string }> {
  const program = `paddock() { ${process.execPath} ${resolve('src/bin/paddock.ts')} "$@"; }\n${command}`
  const child = spawn('bash', ['-eu', '-c', program], {
    cwd: dirname(herd.dir),
    env: herd.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const code = new Promise<number | null>((done) => child.once('close', done))
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { code: await code, said: out + err }
}

/** On an engine that other test files use too, 'paddock scan' means the containers of this herd. */
async function own(command: string): Promise<string> {
  if (command !== 'paddock scan') return command
  const names = await engine.cli('ps', '--format', '{{.Names}}', '--filter', `label=paddock.herd=${herd.dir}`)
  return `${command} ${names.split('\n').join(' ')}`
}

test('every command of the page does what it says', async () => {
  assert.ok(blocks.length >= 5)
  const port = await freePort()
  for (const command of blocks.join('').trim().split('\n')) {
    const { code, said } = await type(await own(command.replace(':8080/', `:${port}/`)))
    assert.equal(code, 0, `${command}\n${said}`)
    if (command === 'paddock init site') {
      // The page's port may be somebody else's on this machine.
      const compose = join(herd.dir, 'site/compose.yaml')
      writeFileSync(compose, readFileSync(compose, 'utf8').replace(':8080:8080', `:${port}:8080`))
    }
    if (command.startsWith('curl')) assert.match(said, /site is up/)
  }
})
