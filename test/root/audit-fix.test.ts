import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { applyPlan, parseUndo, undo } from '../../src/audit/fix/apply.ts'
import { planFix } from '../../src/audit/fix/plan.ts'
import { gatherFacts } from '../../src/audit/gather.ts'
import { hostTree } from '../../src/audit/gather/host-tree.ts'
import { judge } from '../../src/audit/run.ts'
import { UserError } from '../../src/lib/errors.ts'
import { host, socketIn, work } from '../fixtures/audit-tree.ts'

const snapshot = (root: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(root, { recursive: true, withFileTypes: true }).map((entry) => {
      const path = join(entry.parentPath, entry.name)
      const { mode, uid, gid } = lstatSync(path)
      return [path, `${mode.toString(8)} ${uid}:${gid} ${entry.isFile() ? readFileSync(path, 'utf8') : ''}`]
    }),
  )

for (const id of [
  'docker-group',
  'client-keys',
  'daemon-files',
  'live-restore',
  'no-new-privileges-default',
  'userland-proxy',
  'log-limits',
  'log-level',
  'audit-rules',
  'icc',
  'default-ulimits',
  'experimental',
])
  test(`--fix ${id} mends it, touches nothing else, and is undone to the byte`, async () => {
    // The engine's own answer; without one the plan is made from the file alone.
    const fromEngine = id === 'live-restore' || id === 'experimental'
    const root = host({
      '/etc/group': 'root:x:0:\ndocker:x:105:alice,bob\nalicedocker:x:107:alice\n',
      '/etc/gshadow': 'docker:!::alice,bob\n',
      '/etc/docker/daemon.json': '{"debug":true,"experimental":true,"labels":["a"],"log-opts":{"tag":"x"}}',
      '/home/alice/.docker/key.pem': 'KEY',
      '/etc/audit/rules.d/x.rules': '',
    })
    await socketIn(root, '/run/docker.sock', 105, 0o660)
    chownSync(join(root, 'home/alice/.docker/key.pem'), 1000, 1000)
    chmodSync(join(root, 'usr/lib/systemd/system/docker.service'), 0o666)
    const tree = hostTree(root)
    const audit = async () => {
      const facts = await gatherFacts({ root, engine: null })
      const findings = judge(facts)
      const known = fromEngine
        ? findings.map((finding) => (finding.id === id ? { ...finding, status: 'fail' as const } : finding))
        : findings
      return { facts, findings: known }
    }
    const earlier = snapshot(root)
    const { facts, findings } = await audit()
    assert.ok(
      findings.some((finding) => finding.id === id && finding.status === 'fail'),
      'it fails first',
    )
    const plan = planFix(id, facts, findings, tree)
    assert.deepEqual(snapshot(root), earlier, 'a plan changes nothing')
    const record = applyPlan(plan, tree, join(work, `state-${id}`), new Date())
    if (!fromEngine)
      assert.deepEqual(
        (await audit()).findings.filter((finding) => finding.id === id && finding.status === 'fail'),
        [],
      )
    const changed = Object.entries(snapshot(root))
      .filter(([path, state]) => earlier[path] !== state)
      .map(([path]) => path.slice(root.length))
    assert.deepEqual(
      changed.filter(
        (path) => !plan.changes.some((change) => change.path === path || path === dirname(change.path)),
      ),
      [],
    )
    assert.equal(lstatSync(record).mode & 0o777, 0o600)
    undo(parseUndo(readFileSync(record, 'utf8'), record), tree)
    assert.deepEqual(snapshot(root), earlier)
  })

test('an undo after someone else’s change touches nothing', async () => {
  const root = host({ '/etc/docker/daemon.json': '{"icc":true}' })
  const facts = await gatherFacts({ root, engine: null })
  const tree = hostTree(root)
  const record = applyPlan(
    planFix('userland-proxy', facts, judge(facts), tree),
    tree,
    join(work, 'state'),
    new Date(),
  )
  writeFileSync(join(root, 'etc/docker/daemon.json'), '{"mine":1}')
  assert.throws(() => undo(parseUndo(readFileSync(record, 'utf8'), record), tree), UserError)
  assert.equal(readFileSync(join(root, 'etc/docker/daemon.json'), 'utf8'), '{"mine":1}')
})

test('a fix that cannot hold is refused with a reason', async () => {
  const refuse = async (files: Readonly<Record<string, string>>, id: string, why: RegExp): Promise<void> => {
    const root = host(files)
    const facts = await gatherFacts({ root, engine: null })
    assert.throws(
      () => planFix(id, facts, judge(facts), hostTree(root)),
      (error: unknown) => error instanceof UserError && why.test(error.message),
    )
  }
  await refuse(
    { '/etc/default/docker': 'DOCKER_OPTS=--userland-proxy=true\n' },
    'userland-proxy',
    /command line sets it/,
  )
  await refuse({ '/etc/docker/daemon.json': '{' }, 'userland-proxy', /not valid JSON/)
  await refuse({}, 'audit-rules', /rules\.d does not exist/)
  await refuse({}, 'privileged', /no such check, or it takes more/)
})

test('a key that becomes a link between plan and deed leads nowhere', async () => {
  const root = host({ '/home/alice/.docker/key.pem': 'KEY', '/etc/precious': '' })
  chownSync(join(root, 'home/alice/.docker/key.pem'), 1000, 1000)
  const facts = await gatherFacts({ root, engine: null })
  const tree = hostTree(root)
  const plan = planFix('client-keys', facts, judge(facts), tree)
  rmSync(join(root, 'home/alice/.docker/key.pem'))
  linkSync(join(root, 'etc/precious'), join(root, 'home/alice/.docker/key.pem'))
  assert.throws(() => applyPlan(plan, tree, join(work, 'state'), new Date()), UserError)
  assert.equal(lstatSync(join(root, 'etc/precious')).mode & 0o777, 0o644)
})

/** `docker-group` changes two files, `daemon-files` owners and modes of several. */
async function badHost(id: string) {
  const root = host({
    '/etc/group': 'root:x:0:\ndocker:x:105:alice,bob\n',
    '/etc/gshadow': 'docker:!::alice,bob\n',
    '/etc/docker/daemon.json': '{}',
  })
  await socketIn(root, '/run/docker.sock', 105, 0o660)
  for (const path of ['usr/lib/systemd/system/docker.service', 'etc/docker/daemon.json']) {
    chownSync(join(root, path), 1000, 1000)
    chmodSync(join(root, path), 0o666)
  }
  const facts = await gatherFacts({ root, engine: null })
  const tree = hostTree(root)
  return { root, tree, plan: planFix(id, facts, judge(facts), tree), earlier: snapshot(root) }
}

for (const id of ['docker-group', 'daemon-files'])
  test(`--fix ${id}: the power fails between two files, and in the middle of one: its record takes back what there is`, async () => {
    const { root, tree, plan, earlier } = await badHost(id)
    assert.ok(plan.changes.length >= 2)
    const record = applyPlan(plan, tree, join(work, `cut-${id}`), new Date())
    const whole = parseUndo(readFileSync(record, 'utf8'), record)
    // As it was, but for the first file, and of the second the owner.
    undo(whole, tree)
    const [first, second] = plan.changes
    assert.ok(first !== undefined && second?.before !== undefined)
    applyPlan({ ...plan, changes: [first] }, tree, join(work, `first-${id}`), new Date())
    if (second.after.text === null) chownSync(join(root, second.path), second.after.uid, second.after.gid)
    undo(whole, tree)
    assert.deepEqual(snapshot(root), earlier)
    undo(whole, tree)
    assert.deepEqual(snapshot(root), earlier)
  })

test('a fix that cannot be carried out whole is taken back, and leaves no record', async () => {
  const { root, tree, plan, earlier } = await badHost('docker-group')
  const last = plan.changes.at(-1)
  assert.ok(last !== undefined)
  // The folder of the last file is gone between plan and deed.
  const broken = { ...last, path: '/nowhere/file', before: null }
  const folder = join(work, 'broken')
  assert.throws(
    () => applyPlan({ ...plan, changes: [...plan.changes, broken] }, tree, folder, new Date()),
    /its folder does not exist/,
  )
  assert.deepEqual(snapshot(root), earlier)
  assert.deepEqual(readdirSync(folder), [])
})
