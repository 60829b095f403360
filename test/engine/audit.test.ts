import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Finding } from '../../src/audit/check.ts'
import { imageRules } from '../../src/audit/image-rules.ts'
import { type AuditReport, auditJson, runAudit } from '../../src/audit/run.ts'
import { connectEngine } from '../../src/engine/connect.ts'
import { harden } from '../../src/harden/harden.ts'
import { folderOf, mount, sins, socketOf } from '../fixtures/audit-engine-sins.ts'
import { fixtureImage, type TestEngine, testEngine } from './harness.ts'

/** Nothing that a check of containers or images may find. */
const hardened = [
  '--read-only',
  '--security-opt',
  'no-new-privileges',
  '--cap-drop',
  'ALL',
  '--memory',
  '32m',
  '--pids-limit',
  '20',
  '--cpus',
  '0.5',
  '--log-opt',
  'max-size=1m',
]

async function audit(engine: TestEngine): Promise<AuditReport> {
  return runAudit({ root: '/', engine: await connectEngine({ engine: engine.address, env: {} }) })
}

const failed = (report: AuditReport, name: string): string[] =>
  report.findings
    .filter(({ status, subject }) => status === 'fail' && subject.name === name)
    .map(({ id }) => id)

describe('sins of containers, each committed on a real engine', () => {
  const folder = mkdtempSync('/var/tmp/paddock-audit-engine-')
  let engine: TestEngine
  let report: AuditReport

  before(async () => {
    engine = await testEngine('docker')
    symlinkSync(folderOf(engine), join(folder, 'link'))
    mkdirSync(join(folder, 'harmless'))
    linkSync(socketOf(engine), join(folder, 'harmless/app.socket'))
    mkdirSync(join(folder, 'elsewhere'))
    execFileSync('mount', ['--bind', folderOf(engine), join(folder, 'elsewhere')])
    await engine.cli(
      'volume',
      'create',
      '--opt',
      'type=none',
      '--opt',
      'o=bind',
      '--opt',
      `device=${folderOf(engine)}`,
      `${engine.prefix}sly`,
    )
    for (const { name, args, create } of sins)
      if (create === true)
        await engine.cli(
          'create',
          '--name',
          engine.prefix + name,
          ...args(engine, folder),
          fixtureImage,
          'sleep',
          '1000000',
        )
      else await engine.run({ name, args: args(engine, folder) })
    report = await audit(engine)
  })

  after(async () => {
    await engine.cli('rm', '--force', `${engine.prefix}elsewhere`)
    execFileSync('umount', ['--lazy', join(folder, 'elsewhere')])
    rmSync(folder, { recursive: true, force: true })
  })

  for (const { name, finds, way } of sins)
    test(`${name}: ${finds.join(', ')}${way ? ', and a way to root' : ', and no way to root'}`, () => {
      const found = failed(report, engine.prefix + name)
      assert.deepEqual(
        finds.filter((id) => !found.includes(id)),
        [],
        found.join(' '),
      )
      assert.equal(
        found.includes('escape-path'),
        way,
        JSON.stringify(
          report.findings.filter(
            ({ id, subject }) => id === 'escape-path' && subject.name === engine.prefix + name,
          ),
        ),
      )
    })

  test('what is found of one container is not found of the others', () => {
    // The data root holds the sly volume, and with it the socket.
    const loose = new Set(sins.find(({ name }) => name === 'careless')?.finds)
    for (const { name, finds } of sins.filter(
      ({ name: each }) => !['host-rw', 'host', 'neighbour', 'admin', 'data-root'].includes(each),
    )) {
      const extra = failed(report, engine.prefix + name).filter(
        (id) => !loose.has(id) && !finds.includes(id) && id !== 'escape-path',
      )
      assert.deepEqual(
        extra.filter((id) => !['host-mounts', 'default-bridge'].includes(id)),
        [],
        name,
      )
    }
    assert.deepEqual(
      failed(report, `${engine.prefix}careless`).filter((id) => !loose.has(id)),
      [],
    )
  })

  // docker-bench-security runs as a container with the host's folders mounted, and reports itself.
  test('it makes no container and no image, and reports none of its own', async () => {
    const containers = () =>
      engine.cli('ps', '--all', '--format', '{{.Names}}', '--filter', `name=^/${engine.prefix}`)
    const images = () => engine.cli('images', '--all', '--format', '{{.ID}}', `${engine.prefix}*`)
    const earlier = [await containers(), await images()]
    const reader = await connectEngine({ engine: engine.address, env: {} })
    const more = [await imageRules(reader, new AbortController().signal, () => undefined)]
    const { findings } = await runAudit({ root: '/', engine: reader, more })
    assert.deepEqual([await containers(), await images()], earlier)
    const named = new Set(
      findings.filter(({ subject }) => subject.kind === 'container').map(({ subject }) => subject.name),
    )
    const own = [...named].filter((name) => name.startsWith(engine.prefix))
    assert.deepEqual(own.sort(), (earlier[0] ?? '').split('\n').sort())
  })

  test('no value of a secret leaves, and the JSON is what the docs say', () => {
    const text = JSON.stringify(auditJson(report))
    assert.equal(text.includes('hunter2'), false)
    const json = JSON.parse(text) as {
      version: number
      findings: Finding[]
      chains: { text: string; steps: unknown[] }[]
    }
    assert.equal(json.version, 1)
    assert.ok(
      json.findings.every(
        ({ status, subject }) =>
          ['pass', 'fail', 'unknown'].includes(status) &&
          ['host', 'daemon', 'container', 'image', 'user'].includes(subject.kind),
      ),
    )
    assert.ok(
      json.chains.some(
        ({ text: way }) => way === `container ${engine.prefix}neighbour → CAP_SYS_ADMIN → root`,
      ),
    )
  })

  test('the engine’s own process is read: its flags, where its data lies, that its ids are not remapped', () => {
    const of = (id: string): Finding | undefined => report.findings.find((finding) => finding.id === id)
    assert.equal(of('userns-remap')?.status, 'fail')
    assert.equal(of('api-tcp')?.status, 'pass')
    assert.match(of('daemon-cgroup-parent')?.evidence ?? '', /paddock-test/)
    assert.equal(of('engine-version')?.severity, 'low')
  })
})

test('a clean, remapped, hardened herd has no finding', async () => {
  const engine = await testEngine('docker-userns')
  const base = await engine.run({ name: 'base' })
  const tag = `${engine.prefix}herd:live`
  await engine.cli(
    'commit',
    '--change',
    'USER 1000',
    '--change',
    'HEALTHCHECK CMD ["/bin/true"]',
    '--change',
    'CMD ["sleep", "1000000"]',
    base.id,
    tag,
  )
  await engine.cli('rm', '--force', base.id)
  for (const uid of [1001, 1002, 1003])
    await engine.run({
      name: `herd${uid}`,
      image: tag,
      args: [...hardened, '--user', String(uid), '--volume', `${engine.prefix}data${uid}:/data`],
    })
  const report = await audit(engine)
  const own = report.findings.filter(
    ({ subject }) =>
      subject.name.startsWith(engine.prefix) && (subject.kind === 'container' || subject.kind === 'image'),
  )
  assert.ok(own.some(({ id, status }) => id === 'root-user' && status === 'pass'))
  assert.deepEqual(
    own.filter(({ status }) => status !== 'pass'),
    [],
  )
  assert.equal(report.findings.find(({ id }) => id === 'userns-remap')?.status, 'pass')
  assert.deepEqual(
    report.chains.filter(
      ({ nodes }) => nodes[0]?.kind === 'container' && nodes[0].label.includes(engine.prefix),
    ),
    [],
  )
})

test('remapped root that is given the socket cannot open it, and is told so by check, not by way', async () => {
  const engine = await testEngine('docker-userns')
  await engine.run({ name: 'sock', args: mount(socketOf(engine)) })
  const found = failed(await audit(engine), `${engine.prefix}sock`)
  assert.ok(found.includes('socket-mount'))
  assert.equal(found.includes('escape-path'), false)
})

test('Podman: sins are found, and defaults are none', async () => {
  const engine = await testEngine('podman')
  await engine.run({ name: 'plain' })
  await engine.run({ name: 'sock', args: mount(folderOf(engine)) })
  await engine.run({ name: 'admin', args: ['--cap-add', 'SYS_ADMIN'] })
  const report = await audit(engine)
  const grave = (name: string): string[] =>
    report.findings
      .filter(
        ({ status, subject, severity }) =>
          status === 'fail' &&
          subject.name === engine.prefix + name &&
          ['critical', 'high'].includes(severity),
      )
      .map(({ id }) => id)
      .sort()
  assert.deepEqual(grave('plain'), [])
  assert.deepEqual(
    grave('sock').filter((id) => id !== 'host-mounts'),
    ['escape-path', 'socket-mount'],
  )
  assert.deepEqual(grave('admin'), ['capabilities', 'escape-path'])
})

for (const name of ['docker', 'docker-containerd'] as const)
  test(`${name}: setuid programs and SSH servers are seen in what runs, links of the container never followed`, async () => {
    const engine = await testEngine(name)
    const container = await engine.run({ name: 'inside' })
    await container.exec(
      'sh',
      '-c',
      'cp /bin/busybox /bin/su2 && chmod 4755 /bin/su2 && mkdir -p /usr && rm -rf /usr/lib && ln -s /usr/lib /usr/lib',
    )
    await container.exec(
      'sh',
      '-c',
      'printf "#!/bin/sh\\nsleep 1000" > /tmp/sshd && chmod 755 /tmp/sshd && (/tmp/sshd >/dev/null 2>&1 &)',
    )
    // Other containers of the fixture image run on this engine: an image of its own is looked into here.
    await engine.cli('commit', container.id, `${engine.prefix}setuid:1`)
    await engine.run({ name: 'setuid', image: `${engine.prefix}setuid:1` })
    const report = await audit(engine)
    assert.ok(failed(report, container.name).includes('sshd'))
    assert.ok(
      report.findings.some(({ id, details }) => id === 'image-setuid' && details.includes('/bin/su2')),
    )
    assert.deepEqual(
      report.findings.filter(({ status, subject }) => status === 'unknown' && subject.kind === 'container'),
      [],
    )
    await container.exec('rm', '/bin/su2')
  })

test('images are held against the rules of harden when that is asked for, and a hardened one holds', async () => {
  const engine = await testEngine('docker')
  const reader = await connectEngine({ engine: engine.address, env: {} })
  const { signal } = new AbortController()
  const loose = await engine.run({ name: 'loose' })
  await loose.exec('sh', '-c', 'cp /bin/busybox /bin/su3 && chmod 4755 /bin/su3 && echo x > /etc/passwd-')
  const [before, after] = [`${engine.prefix}loose:1`, `${engine.prefix}hardened:1`]
  await engine.cli('commit', loose.id, before)
  await harden(reader, { image: before, tag: after, keep: [], without: [], with: [], signal })
  for (const image of [before, after])
    await engine.cli('create', '--name', `${engine.prefix}of-${image.includes('loose') ? '1' : '2'}`, image)
  // One that is removed between the list and the look at it is nobody's image.
  const listed = async (options: { all: boolean }) => [
    ...(await reader.containers(options)).slice(0, 1).map((one) => ({ ...one, id: 'f'.repeat(64) })),
    ...(await reader.containers(options)),
  ]
  const more = [await imageRules({ ...reader, containers: listed }, signal, () => undefined)]
  const { findings } = await runAudit({ root: '/', engine: reader, more })
  const of = (name: string) =>
    findings.find(({ id, subject }) => id === 'image-rules' && subject.name === name)
  assert.equal(of(before)?.status, 'fail')
  assert.ok(of(before)?.details.includes('backup-files: /etc/passwd-'), of(before)?.details.join())
  assert.ok(of(before)?.details.includes('setuid: /bin/su3'), of(before)?.details.join())
  assert.deepEqual([of(after)?.status, of(after)?.details], ['pass', []])
})
