import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import type { NewFinding } from '../../src/sensor/ports.ts'
import { sensorOn, type SensorUnderTest } from '../attacks/sensor-under-test.ts'
import { engineNames, testEngine, type TestContainer } from './harness.ts'

/* What the sensor must see, on every engine: one sensor looks after all four at once. */

const POLICY = `match: { container: "*-ruled" }
expect: [ "/var/log/**" ]
processes:
  - { exe: /bin/busybox, user: root, args: "1000000*" }
  - { exe: /bin/busybox, args: "never*", required: true }
`

const engines = await Promise.all(engineNames.map((name) => testEngine(name)))
const under = await sensorOn(engines, { policy: POLICY })
after(() => under.stop())

/** Of one container. */
function findingOf(
  { id }: TestContainer,
  what: string,
  matches: (finding: NewFinding) => boolean,
): Promise<NewFinding> {
  return under.finding(what, (finding) => finding.container?.id === id && matches(finding))
}

const changeOf = (container: TestContainer, path: string, kind: string) =>
  findingOf(
    container,
    `${kind} ${path}`,
    (finding) => finding.path?.path === path && finding.change?.kind === kind,
  )

for (const engine of engines) {
  describe(engine.name, async () => {
    const container = await engine.run({
      name: 'seen',
      command: [
        'sh',
        '-c',
        'echo early > /etc/early; sh -c "echo child > /etc/by-child; true"; sleep 1000000',
      ],
      args: ['--tmpfs=/scratch:exec', `--volume=${engine.prefix}volume:/volume`, '--user=0'],
    })
    after(() => engine.cli('rm', '--force', '--volumes', container.id))

    test('what its first instruction writes is seen, with the process that did it, up to its init', async () => {
      const early = await changeOf(container, '/etc/early', 'added')
      assert.equal(early.source, 'fanotify', 'seen at once, not by a sweep')
      assert.equal(early.byExec, false)
      assert.equal(early.processes?.at(-1)?.pid, await container.pid())
      assert.equal(early.processes.at(-1)?.uidInside, 0)
      const child = await changeOf(container, '/etc/by-child', 'added')
      assert.equal(child.byExec, false)
      assert.equal(child.processes?.length, 2, JSON.stringify(child.processes))
    })

    test('files written, made, renamed, chmod-ed, linked and deleted are each told', async () => {
      await container.exec(
        'sh',
        '-c',
        // Who is gone before it is looked at is nobody (docs/threats.md): on a machine this busy a shell of ten milliseconds may be.
        `sleep 0.2
         echo content > /etc/written
         echo more >> /etc/passwd
         mkdir /etc/folder
         echo x > /etc/before && mv /etc/before /etc/after
         chmod 777 /etc/group
         ln -s /etc/shadow /etc/symlink
         ln /etc/written /etc/hardlink
         rm /etc/os-release`,
      )
      const written = await changeOf(container, '/etc/written', 'added')
      assert.equal(written.byExec, true, `it came by exec: ${JSON.stringify(written)}`)
      assert.equal(written.change?.type, 'file')
      assert.equal(written.change.was, null)
      assert.equal(written.change.now?.size, 8)
      const sha256 = written.evidence?.[0]?.sha256 ?? ''
      assert.equal(written.change.now.sha256, sha256)
      assert.equal(under.kept.get(sha256)?.toString(), 'content\n')
      const modified = await changeOf(container, '/etc/passwd', 'modified')
      assert.ok(modified.change?.was?.sha256)
      assert.notEqual(modified.change.now?.sha256, modified.change.was.sha256)
      assert.equal((await changeOf(container, '/etc/folder', 'added')).change?.type, 'directory')
      assert.equal((await changeOf(container, '/etc/after', 'added')).change?.type, 'file')
      const mode = await changeOf(container, '/etc/group', 'metadata')
      assert.deepEqual([mode.change?.was?.mode, mode.change?.now?.mode], ['100644', '100777'])
      assert.equal((await changeOf(container, '/etc/symlink', 'added')).change?.type, 'symlink')
      assert.equal((await changeOf(container, '/etc/hardlink', 'added')).change?.type, 'file')
      assert.equal((await changeOf(container, '/etc/os-release', 'deleted')).change?.now, null)
    })

    test('a program that is not in the image is told wherever it lies, with its bytes, though it is gone', async () => {
      await container.exec(
        'sh',
        '-c',
        `for place in /opt /tmp /scratch /volume /dev/shm; do
           mkdir -p $place; cp /bin/busybox $place/dropped; $place/dropped true; rm $place/dropped
         done
         cp /bin/busybox /tmp/gone; exec 3< /tmp/gone; rm /tmp/gone; /proc/self/fd/3 true; true`,
      )
      for (const [path, from] of [
        ['/opt/dropped', 'layer'],
        ['/tmp/dropped', 'layer'],
        ['/scratch/dropped', 'tmpfs'],
        ['/volume/dropped', 'volume'],
        ['/tmp/gone', 'deleted'],
      ]) {
        const ran = await findingOf(
          container,
          `${String(path)} ran`,
          (finding) => finding.exec?.from === from && finding.path?.path === path,
        )
        assert.equal(ran.exec?.verdict, 'allowed')
        assert.equal(ran.byExec, true)
        assert.ok((ran.processes?.length ?? 0) >= 1)
      }
      // Docker mounts /dev/shm noexec: there the write is what is told.
      await changeOf(container, '/dev/shm/dropped', 'added')
    })

    test('a process that policy does not expect is told, and a required one that does not run', async () => {
      const ruled = await engine.run({ name: 'ruled' })
      await ruled.exec('sh', '-c', 'echo expected > /var/log/app.log; sleep 0.5')
      await findingOf(ruled, 'an unexpected process', (finding) =>
        finding.reasons.includes('process-not-expected'),
      )
      under.sensor.answers.sweep(null)
      await findingOf(ruled, 'a missing process', (finding) => finding.reasons.includes('process-missing'))
      const paths = findingsOf(under, ruled).map((finding) => finding.path?.path)
      assert.ok(!paths.includes('/var/log/app.log'), 'what is expected is not told')
      assert.deepEqual(findingsOf(under, ruled).filter(isSleep), [], 'nor the expected process')
    })

    test('it is followed through stop, start, rename, pause and restart', async () => {
      const name = `${engine.prefix}renamed`
      await engine.cli('rename', container.id, name)
      await engine.cli('restart', '--time=0', container.id)
      await container.exec('sh', '-c', 'echo x > /etc/after-restart')
      const after = await changeOf(container, '/etc/after-restart', 'added')
      assert.equal(after.source, 'fanotify')
      assert.equal(after.container?.name, name)
      await engine.cli('stop', '--time=0', container.id)
      await engine.cli('start', container.id)
      await container.exec('sh', '-c', 'cp /bin/busybox /tmp/again && /tmp/again true; true')
      await findingOf(
        container,
        'a program after its start',
        (finding) => finding.path?.path === '/tmp/again',
      )
      const status = under.sensor.answers.containers().find((one) => one.container.id === container.id)
      assert.equal(status?.fromFirstInstruction, true, 'marked by the gate')
      await engine.cli('pause', container.id)
      await until(() => stateOf(container) === 'paused')
      await engine.cli('unpause', container.id)
      await until(() => stateOf(container) === 'running')
    })

    test('where the engine made something to mount over is no change', async () => {
      const before = sweptAt(container)
      under.sensor.answers.sweep(container.id)
      await until(() => sweptAt(container) !== before)
      const made = [
        '/scratch',
        '/volume',
        '/etc/hosts',
        '/etc/hostname',
        '/etc/mtab',
        '/run/.containerenv',
        '/run',
      ]
      const told = findingsOf(under, container).map(({ path }) => path?.path ?? '')
      assert.deepEqual(
        told.filter((path) => made.includes(path)),
        [],
      )
    })

    test("the runtime's own programs are no findings", () => {
      const odd = findingsOf(under, container).filter(
        (finding) => finding.exec !== undefined && /runc|conmon|^\/$/.test(finding.path?.path ?? ''),
      )
      assert.deepEqual(odd, [])
    })
  })
}

test('ordinary programs are heard of one by one from when a policy names programs, and not before', async () => {
  const [engine] = engines
  assert.ok(engine !== undefined)
  const container = await engine.run({ name: 'named' })
  const heard = () => under.sensor.answers.status().counters['events'] ?? 0
  const runs = () => container.exec('sh', '-c', 'for i in $(seq 300); do /bin/true; done')
  await until(() => sweptAt(container) !== null)
  const before = heard()
  await runs()
  const ordinary = heard() - before
  assert.ok(ordinary < 100, `the judging thread was told of ${ordinary} things`)

  const swept = sweptAt(container)
  const policy = 'match: { container: "*-named" }\nprocesses: [{ exe: /bin/busybox, args: "1000000*" }]\n'
  writeFileSync(join(under.folder, 'policy.d/named.yaml'), policy)
  under.sensor.reload()
  await until(() => sweptAt(container) !== swept)
  await container.exec('sleep', '1')
  const told = await findingOf(container, 'a program that policy does not name', (finding) =>
    finding.reasons.includes('process-not-expected'),
  )
  assert.equal(told.source, 'process-connector')
  const then = heard()
  await runs()
  await until(() => heard() - then > 200)
})

test('a policy that does not load is told, and the last good one stays', async () => {
  writeFileSync(join(under.folder, 'policy.d/policy.yaml'), 'match: { container: "*-ruled" }\nexpectt: []\n')
  under.sensor.reload()
  const problem = await under.finding('a policy that does not load', (finding) =>
    finding.reasons.includes('policy-problem'),
  )
  assert.match(problem.summary, /policy\.yaml.*expectt/)
})

function findingsOf({ findings }: SensorUnderTest, { id }: TestContainer): readonly NewFinding[] {
  return findings.filter((finding) => finding.container?.id === id)
}

function isSleep(finding: NewFinding): boolean {
  return finding.processes?.[0]?.argv?.[0] === 'sleep' && finding.processes[0].argv[1] === '1000000'
}

function sweptAt({ id }: TestContainer): string | null {
  return under.sensor.answers.containers().find((one) => one.container.id === id)?.lastSweepAt ?? null
}

function stateOf({ id }: TestContainer): string | undefined {
  return under.sensor.answers.containers().find((one) => one.container.id === id)?.state
}

async function until(holds: () => boolean): Promise<void> {
  for (let round = 0; !holds(); round++) {
    if (round > 600) throw new Error('it did not come to hold')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
