import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { testEngine } from './harness.ts'
import { paddock } from './paddock.ts'

/* What a container can call its files and be labelled with, to harm who reads of it. */

const home = mkdtempSync('/var/tmp/paddock-hostile-scan-')
after(() => rmSync(home, { recursive: true, force: true }))
const env = { PADDOCK_STATE_DIR: home, PADDOCK_CONFIG_DIR: home }

const names = [
  Buffer.from('two\nlines'),
  Buffer.from('\u001b[2J\u001b]0;owned\u0007'),
  Buffer.from('photo\u202egpj.sh'),
  Buffer.from('"],"ok":true}'),
  Buffer.from([0x6e, 0x6f, 0xff, 0xfe]),
  Buffer.from('\u009b31mC1'),
  Buffer.alloc(255, 'n'),
]

const hex = (name: Buffer) => name.toString('hex')
const octal = (name: Buffer) => [...name].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('')

test('no name reaches the terminal or breaks the JSON; with 10,000 labels too', async () => {
  const engine = await testEngine('docker')
  const labels = join(home, 'labels')
  const lines = Array.from({ length: 10_000 }, (_, n) => `label.${n}=${'\u001b[31m'.repeat(n % 3)}`)
  writeFileSync(labels, [...lines, 'paddock.expect=/expected/**', 'paddock.exepct=/x'].join('\n'))
  const container = await engine.run({ name: 'hostile', args: ['--label-file', labels] })
  const commands = names.map((name) => `touch "/$(printf '${octal(name)}')"`)
  await container.exec('sh', '-c', [...commands, 'mkdir /expected && touch /expected/file'].join('\n'))

  const json = await paddock(engine, env, 'scan', container.name, '--json')
  assert.equal(json.code, 1, json.err)
  const { containers } = JSON.parse(json.out) as {
    containers: { counts: object; changes: { path: string; pathBase64?: string }[]; warnings: string[] }[]
  }
  const [scanned] = containers
  assert.ok(scanned)
  const paths = scanned.changes.map(({ path, pathBase64 }) =>
    pathBase64 === undefined ? Buffer.from(path) : Buffer.from(pathBase64, 'base64'),
  )
  const wanted = [...names.map((name) => Buffer.concat([Buffer.from('/'), name])), Buffer.from('/expected')]
  assert.deepEqual(paths.map(hex).sort(), wanted.map(hex).sort())
  assert.deepEqual(
    scanned.changes.filter(({ pathBase64 }) => pathBase64 !== undefined).map(({ path }) => path),
    ['/no\ufffd\ufffd'],
  )
  assert.match(scanned.warnings.join(), /paddock\.exepct.*paddock\.expect/)

  const people = await paddock(engine, env, 'scan', container.name, '--all')
  assert.equal(people.code, 1, people.err)
  assert.doesNotMatch(people.out, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/)
  for (const shown of ['/two\\nlines', '/\\x1b[2J\\x1b]0;owned\\x07', '/photo\\u{202e}gpj.sh', '\\x9b31mC1'])
    assert.ok(people.out.includes(shown), shown)
  assert.equal(
    people.out
      .trimEnd()
      .split('\n')
      .filter((line) => line.includes('/two')).length,
    1,
  )
})

test('policies that cannot be used are one sentence and exit code 2, whatever lies there', async () => {
  const engine = await testEngine('docker')
  mkdirSync(join(home, 'policy/a-folder.yaml'), { recursive: true })
  const cases: readonly (readonly [text: string, problem: RegExp])[] = [
    ['match: { container: web }\nexpct:\n  - /x\n', /a\.yaml:2:1: error: .*expct.*expect/],
    ['match: { container: web }\nexpect: &a\n  - *a\n', /a\.yaml:3:5: error: it is an alias/],
    ['match: { container: web }\nexpect:\n\t- /x\n', /a\.yaml:3:1: error: a tab indents this line/],
    ['# long\n'.repeat(1_500_000), /a\.yaml: error: is larger than 1 MiB/],
    ['\u001b[2Jmatch: \u202e', /a\.yaml/],
  ]
  for (const [text, problem] of cases) {
    const file = join(home, 'a.yaml')
    writeFileSync(file, text)
    const { code, out, err } = await paddock(engine, env, 'scan', '--json', '--policy', file)
    assert.equal(code, 2, out)
    assert.equal(out, '')
    assert.match(err, problem)
    assert.equal(err.trimEnd().split('\n').length, 1, err)
    assert.doesNotMatch(err.trimEnd(), /[\u0000-\u001f\u202e]/)
  }
  const folder = await paddock(engine, env, 'scan', '--policy', join(home, 'policy'))
  assert.equal(folder.code, 2)
  assert.match(folder.err, /a-folder\.yaml: error: is a folder/)
})
