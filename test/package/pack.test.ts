import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, delimiter, dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import packageJson from '../../package.json' with { type: 'json' }
import { programs } from '../../tools/build.ts'
import { testEngine } from '../engine/harness.ts'

/* The package as a user gets it: packed, installed into an empty folder, run from there by its name. */

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'paddock-pack-'))
after(() => rmSync(folder, { recursive: true }))

await run('npm', ['pack', '--pack-destination', folder], { cwd: join(import.meta.dirname, '../..') })
await run('npm', ['init', '--yes'], { cwd: folder })
await run(
  'npm',
  ['install', '--prefer-offline', '--no-audit', '--no-fund', `./paddock-${packageJson.version}.tgz`],
  {
    cwd: folder,
  },
)

/** `paddock` as a shell would find it. */
async function paddock(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const path = [join(folder, 'node_modules/.bin'), dirname(process.execPath), '/usr/bin', '/bin']
  const env = { PATH: path.join(delimiter) }
  try {
    return { code: 0, ...(await run('paddock', args, { cwd: folder, env })) }
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string }
  }
}

test('says its version', async () => {
  const { code, stdout } = await paddock('--version')
  assert.deepEqual([code, stdout], [0, `paddock ${packageJson.version}\n`])
})

test('holds what package.json promises, each program to be started by its name', () => {
  const named = new Set<string>(Object.values(packageJson.bin))
  const built = programs().map((path) => `dist/${basename(path, '.ts')}.js`)
  for (const program of built.filter((path) => named.has(path))) {
    const [first] = readFileSync(join(folder, 'node_modules/paddock', program), 'utf8').split('\n')
    assert.equal(first, '#!/usr/bin/env node', program)
  }
  assert.ok(built.includes('dist/paddock.js'))
})

test('shows its commands', async () => {
  const { code, stdout } = await paddock('--help')
  assert.equal(code, 0)
  assert.match(stdout, /^Usage: paddock COMMAND/)
})

test('scans a real container', async () => {
  const engine = await testEngine('docker')
  const web = await engine.run({ name: 'web' })
  const scan = ['scan', web.name, '--engine', engine.address, '--policy', folder, '--json']
  assert.equal((await paddock(...scan)).code, 0)
  await web.exec('sh', '-c', 'cp /bin/busybox /tmp/.x')
  const { code, stdout } = await paddock(...scan)
  assert.equal(code, 1)
  const { containers } = JSON.parse(stdout) as { containers: { changes: { path: string; kind: string }[] }[] }
  assert.deepEqual(
    containers.flatMap(({ changes }) => changes.map(({ path, kind }) => [path, kind])),
    [['/tmp/.x', 'added']],
  )
})

test('exits with 2 and one sentence when it cannot do what was asked', async () => {
  const { code, stderr } = await paddock('no-such-command')
  assert.equal(code, 2)
  assert.equal(stderr, "paddock: 'paddock no-such-command' is not a command; 'paddock --help' lists them\n")
})

test('says so on a Node that is too old', async () => {
  const older = "data:text/javascript,Object.defineProperty(process.versions,'node',{value:'22.1.0'})"
  const program = join(folder, 'node_modules/paddock/dist/paddock.js')
  await assert.rejects(run(process.execPath, ['--import', older, program, '--version']), {
    code: 2,
    stderr: 'paddock: this is Node 22.1.0, and Paddock needs 24 or later\n',
  })
})
