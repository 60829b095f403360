import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseRules } from '../choose-rules.ts'
import type { HardenResult } from '../harden.ts'
import { taken, type FileSpec } from '../image.fixture.ts'
import { sbomOf } from '../sbom.ts'
import { strip } from '../strip.ts'
import { weakSpots } from '../weak-spots.ts'
import { hardenHtml } from './html.ts'
import { hardenJson } from './json.ts'
import { hardenMarkdown } from './markdown.ts'
import { hardenText } from './text.ts'

const elf = (name: string, mode = 0o755): FileSpec => ({ name, content: '\x7fELF', mode })
const entries: FileSpec[] = [
  ...['bin/bash', 'usr/bin/apt', 'usr/bin/python3', 'usr/bin/curl', 'usr/sbin/served'].map((name) =>
    elf(name),
  ),
  elf('bin/su', 0o4755),
  { name: 'srv/<b>|`\x1b[2J\xff', mode: 0o666 },
  { name: 'etc/passwd', content: 'root:x:0:0::/root:/bin/bash\nold:x:9:9::/:/bin/bash\n' },
  { name: 'etc/os-release', content: 'ID=debian\nVERSION_ID="12"\n' },
  {
    name: 'var/lib/dpkg/status',
    content:
      'Package: served\nStatus: install ok installed\nPriority: optional\nArchitecture: amd64\nVersion: 1.2-3\n\n',
  },
  { name: 'var/lib/dpkg/info/served.list', content: '/.\n/usr/sbin/served\n' },
]

async function result(test: HardenResult['test']): Promise<HardenResult> {
  const image = await taken([entries], {
    Cmd: ['/usr/sbin/served'],
    Healthcheck: { Test: ['CMD', 'curl', 'x'] },
  })
  const { isOn } = chooseRules({ without: [], with: [] })
  const done = strip(image.tree(), image.config, { keep: [], isOn, observed: null, data: [] })
  const { root, before, after, rules, healthCheck, packages } = done
  const names = {
    image: 'web:1',
    tag: 'web:<i>',
    sourceId: 'sha256:1',
    imageId: 'sha256:2',
    depth: 'rules',
  } as const
  const spots = weakSpots(root, image.config, after, rules, healthCheck)
  const sbom = sbomOf(root, packages, 'web:2', '0.1.0')
  image.close()
  return {
    ...{
      ok: test?.ok ?? true,
      ...names,
      before,
      after,
      rules,
      kept: [{ path: '/usr/sbin/served', why: 'the command' }],
    },
    ...{ unusedKeep: ['/none'], healed: ['/opt/healed'], healthCheck, test, weakSpots: spots, sbom },
  }
}

const proof = {
  ...{ ok: false, rounds: 2, sourceOk: true, foundBy: 'tried' as const, missing: ['/opt/mis\xc3\x9fed'] },
  steps: [{ what: 'test: curl', ok: false, said: 'exit code 7' }],
}

test('each line of before and after, what is weak, the test and the packages stand in every form of the report', async () => {
  const done = await result(proof)
  const forms = { html: hardenHtml(done), markdown: hardenMarkdown(done), text: hardenText(done) }
  const lines = [
    /size/,
    /entries/,
    /files/,
    /programs/,
    /setuid and setgid files/,
    /writable by everybody/,
    /accounts/,
    /login shells/,
    /shells[^]{0,40}bash/,
    /package managers[^]{0,40}apt/,
    /interpreters[^]{0,40}python3/,
    /network tools[^]{0,40}curl/,
    /fetches or sends what an intruder wants/,
    /test: curl[^]*exit code 7/,
    /\/opt\/misßed/,
    /\/opt\/healed/,
  ]
  for (const [form, said] of Object.entries(forms)) for (const line of lines) assert.match(said, line, form)
  for (const said of [forms.html, forms.markdown]) assert.match(said, /served[^]{0,20}1\.2-3/)
  const json = JSON.parse(hardenJson(done)) as { test: unknown; sbom: { components: { name: string }[] } }
  assert.deepEqual(json.test, { ...proof, missing: [{ path: '/opt/misßed' }], keep: "--keep '/opt/misßed'" })
  assert.deepEqual(
    json.sbom.components.map(({ name }) => name),
    ['debian', 'served'],
  )
})

test('names of a hostile image are text in every form', async () => {
  const done = await result(null)
  const html = hardenHtml(done)
  assert.doesNotMatch(html, /<b>|<i>/)
  assert.match(html, /\/srv\/&#60;b&#62;/)
  for (const said of [html, hardenMarkdown(done), hardenText(done)]) assert.ok(!said.includes('\x1b'))
  // A cell ends where we end it.
  assert.doesNotMatch(hardenMarkdown(done), /<b>|\/srv\/[^\n]*\|/)
})
