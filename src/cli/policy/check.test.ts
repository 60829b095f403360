import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { runPaddock } from '../run.fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'paddock-check-'))
after(() => {
  rmSync(folder, { recursive: true })
})

function file(name: string, text: string): string {
  const path = join(folder, name)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, text, { mode: 0o644 })
  return path
}

const GOOD = 'match: { container: web }\nexpect: [/tmp/**]\n'
const BAD = 'match: { container: web }\nexpct:\n  - /tmp/**\n'
const COMPOSE = `services: { web: { image: x } }\nx-paddock:\n  wave: 2\n  expect:\n    - /tmp/**\n`

interface Checked {
  readonly ok: boolean
  readonly files: readonly { readonly loads: boolean; readonly rules: number }[]
  readonly problems: readonly { readonly line: number; readonly hint: string }[]
}

test('a good policy is 0, a wrong one 1 with file, line and what was meant, none at all 2', async () => {
  const good = await runPaddock(['policy', 'check', file('good.yaml', GOOD)])
  assert.deepEqual(good, { code: 0, out: '1 policy, nothing wrong\n', err: '' })
  const path = file('bad.yaml', BAD)
  const bad = await runPaddock(['policy', 'check', path])
  assert.deepEqual(bad, {
    code: 1,
    out: `${path}:2:1: error: unknown key 'expct'; write 'expect'\n`,
    err: '',
  })
  const none = await runPaddock(['policy', 'check', join(folder, 'none.yaml')])
  assert.equal(none.code, 2)
  assert.equal(none.err, `paddock: cannot check ${folder}/none.yaml: there is no such file\n`)
})

test('several files and folders are checked at once, and all that is wrong is told', async () => {
  const paths = [file('several/a.yaml', BAD), file('several/b.yaml', GOOD), file('c.yaml', 'match: 7')]
  const { code, out } = await runPaddock([
    'policy',
    'check',
    join(folder, 'several'),
    paths[2] ?? '',
    '--json',
  ])
  assert.equal(code, 1)
  const { ok, files, problems } = JSON.parse(out) as Checked
  assert.equal(ok, false)
  assert.deepEqual(
    files.map(({ loads, rules }) => [loads, rules]),
    [
      [false, 0],
      [true, 1],
      [false, 0],
    ],
  )
  assert.ok(problems.length >= 2)
})

test('without a file the policies in force are checked, by default or by --policy', async () => {
  file('etc/policy.d/web.yaml', BAD)
  const env = { PADDOCK_CONFIG_DIR: join(folder, 'etc') }
  assert.equal((await runPaddock(['policy', 'check'], env)).code, 1)
  const named = await runPaddock(['policy', 'check', '--policy', file('alone.yaml', GOOD)], env)
  assert.equal(named.code, 0, named.out)
  const nothing = await runPaddock(['policy', 'check'], { PADDOCK_CONFIG_DIR: join(folder, 'nothing') })
  assert.equal(nothing.code, 0)
  assert.match(nothing.out, /^0 policies, nothing wrong \(.*policy\.d\)\n$/)
})

test("a service's compose file is checked by what stands under x-paddock", async () => {
  const good = await runPaddock(['policy', 'check', file('web/compose.yaml', COMPOSE)])
  assert.equal(good.code, 0, good.out)
  const wrong = COMPOSE.replace('expect:', 'expct:').replace('wave: 2', 'wave: two')
  const { code, out } = await runPaddock(['policy', 'check', file('db/compose.yaml', wrong)])
  assert.equal(code, 1)
  assert.match(out, /db\/compose\.yaml:4:3: error: unknown key 'expct'; write 'expect'/)
  assert.match(out, /db\/compose\.yaml:3:9: error: .*wave/)
  const plain = await runPaddock([
    'policy',
    'check',
    file('x/compose.yaml', 'services: { web: { image: x } }'),
  ])
  assert.equal(plain.code, 0, plain.out)
})

test('what loads and can hardly be meant is told', async () => {
  const text =
    'match: { container: web }\nexpect: ["/**", /tmp/x, { path: /run/x, kinds: [added] }, /run/x, /tmp/x]\n'
  const { code, out } = await runPaddock(['policy', 'check', file('odd.yaml', text), '--json'])
  assert.equal(code, 1)
  const { files, problems } = JSON.parse(out) as Checked
  assert.deepEqual(
    files.map(({ loads }) => loads),
    [true],
  )
  assert.equal(problems.length, 2, out)
})

test('what an editor of a policy wrote cannot reach the terminal as it is', async () => {
  const { out } = await runPaddock([
    'policy',
    'check',
    file('esc.yaml', 'match: { container: web }\n"\\e[2J": 1\n'),
  ])
  assert.ok(!out.includes('\u001b'), out)
})
