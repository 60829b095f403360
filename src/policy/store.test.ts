import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { UserError } from '../lib/errors.ts'
import { bytePathFromText } from '../lib/byte-path.ts'
import { compilePolicy } from './judge.ts'
import { problemText } from './problem.ts'
import { loadPolicies, openPolicyStore, policyOf } from './store.ts'

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'paddock-policy-'))
  t.after(() => {
    rmSync(folder, { recursive: true })
  })
  return folder
}

const web = { name: 'web', image: 'herd/web:live', labels: {} }
const WEB = 'match: { container: web }\nexpect: [/var/log/**]\nexec: deny\n'

function expects(store: ReturnType<typeof openPolicyStore>, path: string, container = web): boolean {
  const { policy } = policyOf(container, {}, store.declarations())
  return compilePolicy(policy).judge({ path: bytePathFromText(path), kind: 'added', sizeBytes: 1 }).expected
}

function texts(folder: string, store: ReturnType<typeof openPolicyStore>): string[] {
  return store.problems().map((problem) => problemText(problem).replaceAll(folder, 'DIR'))
}

test('all files of a folder that speak of a container hold for it', (t) => {
  const folder = scratch(t)
  writeFileSync(join(folder, 'a.yaml'), WEB)
  writeFileSync(join(folder, 'b.yaml'), 'match: { image: "herd/*" }\nexpect: [/run/x]\nexec: alert\n')
  writeFileSync(join(folder, 'c.yaml'), 'match: { container: "*", image: "other/*" }\nexpect: [/never]\n')
  writeFileSync(join(folder, '.hidden.yaml'), 'nonsense')
  const store = openPolicyStore(folder, { mustExist: true })
  assert.deepEqual(texts(folder, store), [])
  assert.deepEqual(
    ['/var/log/x', '/run/x', '/never'].map((path) => expects(store, path)),
    [true, true, false],
  )
  assert.equal(
    policyOf(web, {}, store.declarations()).policy.exec,
    'deny',
    'another file must not lift a deny',
  )
  assert.equal(expects(store, '/var/log/x', { ...web, name: 'web2' }), false)
})

test('a policy that no longer loads keeps what it last said, and says so', (t) => {
  const folder = scratch(t)
  const file = join(folder, 'a.yaml')
  writeFileSync(file, WEB)
  const store = openPolicyStore(folder, { mustExist: true })

  writeFileSync(file, 'match: { container: web }\nexpect: [/**, oops]\n')
  store.reload()
  assert.equal(store.problems().length, 1)
  assert.deepEqual([expects(store, '/var/log/x'), expects(store, '/etc/x')], [true, false])
  assert.equal(policyOf(web, {}, store.declarations()).policy.exec, 'deny')

  writeFileSync(join(folder, 'b.yaml'), 'match: { container: web }\nexpect: [/srv/**]\n')
  store.reload()
  assert.deepEqual(
    [expects(store, '/var/log/x'), expects(store, '/srv/x')],
    [true, true],
    'others are read on',
  )

  writeFileSync(file, 'match: { container: web }\nexpect: [/etc/x]\n')
  store.reload()
  assert.deepEqual(store.problems(), [])
  assert.deepEqual([expects(store, '/var/log/x'), expects(store, '/etc/x')], [false, true])

  rmSync(file)
  store.reload()
  assert.deepEqual(
    [store.problems(), expects(store, '/etc/x')],
    [[], false],
    'a file taken away expects nothing',
  )
})

test('a policy that never loaded expects nothing', (t) => {
  const folder = scratch(t)
  writeFileSync(join(folder, 'a.yaml'), 'match: { container: web }\nexpect: [/**, oops]\n')
  const store = openPolicyStore(folder, { mustExist: true })
  assert.equal(expects(store, '/x'), false)
  assert.equal(store.problems().length, 1)
})

test('a folder that goes away keeps what it last said', (t) => {
  const folder = scratch(t)
  const policies = join(folder, 'policy.d')
  mkdirSync(policies)
  writeFileSync(join(policies, 'a.yaml'), WEB)
  const store = openPolicyStore(policies, { mustExist: false })
  renameSync(policies, join(folder, 'elsewhere'))
  store.reload()
  assert.equal(expects(store, '/var/log/x'), true)
  assert.deepEqual(texts(folder, store), ['DIR/policy.d: error: cannot be read: there is no such file'])
})

test('no folder at all is no problem unless it was named', (t) => {
  const missing = join(scratch(t), 'policy.d')
  assert.deepEqual(loadPolicies(missing, { mustExist: false }), [])
  assert.throws(
    () => loadPolicies(missing, { mustExist: true }),
    (error) => error instanceof UserError && /no such file/.test(error.message),
  )
})

const odd: Readonly<Record<string, readonly [make: (path: string) => void, problem: string]>> = {
  'a folder': [(path) => mkdirSync(path), 'is a folder; a policy is a file'],
  'a FIFO': [(path) => execFileSync('mkfifo', [path]), 'is no regular file; a policy is a file'],
  'a link to a device': [(path) => symlinkSync('/dev/zero', path), 'is no regular file; a policy is a file'],
  'a link to itself': [
    (path) => symlinkSync(path, path),
    'cannot be read: its symbolic links go round in a circle',
  ],
  'a link to nothing': [(path) => symlinkSync('/nonexistent', path), 'cannot be read: there is no such file'],
  '10 MB': [
    (path) => writeFileSync(path, '# x\n'.repeat(2_500_000)),
    'is larger than 1 MiB; split it, or join rules by patterns',
  ],
  'a terabyte of holes': [
    (path) => {
      writeFileSync(path, '')
      truncateSync(path, 2 ** 40)
    },
    'is larger than 1 MiB; split it, or join rules by patterns',
  ],
  'not UTF-8': [(path) => writeFileSync(path, Buffer.from([0x61, 0xff])), 'is not UTF-8; save it as UTF-8'],
}

for (const [what, [make, problem]] of Object.entries(odd)) {
  test(`in the place of a policy file: ${what}`, (t) => {
    const folder = scratch(t)
    make(join(folder, 'a.yaml'))
    writeFileSync(join(folder, 'b.yaml'), WEB)
    const store = openPolicyStore(folder, { mustExist: true })
    assert.deepEqual(texts(folder, store), [`DIR/a.yaml: error: ${problem}`])
    assert.equal(expects(store, '/var/log/x'), true, 'the others hold')
  })
}

test('a policy that may not be read is an error', (t) => {
  const folder = scratch(t)
  const file = join(folder, 'a.yaml')
  writeFileSync(file, WEB, { mode: 0o000 })
  chmodSync(folder, 0o755)
  const isRoot = process.geteuid?.() === 0
  // Root may read everything.
  if (isRoot) process.seteuid?.(65_534)
  try {
    const store = openPolicyStore(file, { mustExist: true })
    assert.deepEqual(texts(folder, store), ['DIR/a.yaml: error: cannot be read: permission denied'])
    assert.equal(expects(store, '/var/log/x'), false)
  } finally {
    if (isRoot) process.seteuid?.(0)
  }
})

test('a link to a policy file is followed', (t) => {
  const folder = scratch(t)
  writeFileSync(join(folder, 'store'), WEB)
  symlinkSync('store', join(folder, 'a.yaml'))
  assert.equal(expects(openPolicyStore(folder, { mustExist: true }), '/var/log/x'), true)
})

test('a policy that others can write is read, with a warning; so is a file passed over', (t) => {
  const folder = scratch(t)
  writeFileSync(join(folder, 'a.yaml'), WEB)
  writeFileSync(join(folder, 'b.yml'), WEB)
  chmodSync(join(folder, 'a.yaml'), 0o666)
  chmodSync(folder, 0o777)
  const store = openPolicyStore(folder, { mustExist: true })
  assert.deepEqual(texts(folder, store), [
    'DIR: warning: can be written by others than its owner; chmod go-w it',
    'DIR/b.yml: warning: is not read; give it a name in .yaml',
    'DIR/a.yaml: warning: can be written by others than its owner; chmod go-w it',
  ])
  assert.equal(expects(store, '/var/log/x'), true)
})

const images = [
  ['nginx:*', 'nginx', true],
  ['nginx:*', 'docker.io/library/nginx:1.27', true],
  ['nginx', 'nginx:latest', false],
  ['herd/*', 'localhost/herd/web:live', true],
  ['herd/*', 'evil.example/herd/web:live', false],
  ['*', 'herd/web:live', false],
  ['**/web:*', 'registry:5000/herd/web:live', true],
  ['web@sha256:*', 'web@sha256:00', true],
] as const

for (const [pattern, image, matches] of images) {
  test(`the image ${pattern} ${matches ? 'speaks' : 'does not speak'} of ${image}`, (t) => {
    const folder = scratch(t)
    writeFileSync(join(folder, 'a.yaml'), `match: { image: "${pattern}" }\nexpect: [/x]\n`)
    assert.equal(expects(openPolicyStore(folder, { mustExist: true }), '/x', { ...web, image }), matches)
  })
}
