import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { treeDigest } from '../fixtures/tree-digest.ts'
import { fixtureImage, testEngine } from './harness.ts'
import { runPaddock } from '../fixtures/run-paddock.ts'

/*
 * A daemon with a copy of /etc of its own, and data: taken to remapped and back by the commands alone.
 */

const FIRST = 200_000

for (const name of ['docker-etc', 'docker-etc-26'] as const) {
  describe(name, async () => {
    const engine = await testEngine(name)
    const root = dirname(engine.dataRoot)
    const etcBefore = treeDigest(join(root, 'etc'))
    const data = join(root, 'srv', 'locked', 'data')
    mkdirSync(data, { recursive: true })
    chmodSync(join(root, 'srv'), 0o755)
    chmodSync(join(root, 'srv/locked'), 0o700)
    writeFileSync(join(data, 'old'), 'from before\n')
    chownSync(data, 1000, 1000)
    chmodSync(data, 0o700)
    chownSync(join(data, 'old'), 1000, 1000)
    chmodSync(join(data, 'old'), 0o600)
    const paddock = (...args: string[]) =>
      runPaddock(['uidmap', ...args, '--root', root, '--engine', engine.address])
    const json = async (...args: string[]) => {
      const { code, stdout, stderr } = await paddock(...args, '--json')
      return {
        code,
        stderr,
        ...(stdout === '' ? {} : (JSON.parse(stdout) as Record<string, unknown>)),
      } as Answer
    }
    const mounted = ['--user', '1000:1000', '-v', `${data}:/data`]
    const before = await engine.run({ name: 'before', args: mounted })
    await engine.cli('create', '--name', `${engine.prefix}priv`, '--privileged', fixtureImage, 'sleep', '1')
    await engine.cli(
      'create',
      '--name',
      `${engine.prefix}net`,
      '--network',
      'host',
      fixtureImage,
      'sleep',
      '1',
    )
    await engine.cli('create', '--name', `${engine.prefix}vol`, '-v', '/vol', fixtureImage, 'sleep', '1')

    test('status says that it is off, and that root is root', async () => {
      const { code, on, configured, containers } = await json('status')
      assert.deepEqual([code, on, configured], [0, false, null])
      assert.equal(containers.find((one) => one.name === before.name)?.rootIsHostRoot, true)
    })

    test('plan shows the files and what will follow, and changes nothing', async () => {
      const { code, edits, willFollow } = await json('plan')
      assert.equal(code, 1)
      assert.deepEqual(
        edits.map(({ path }) => path.slice(root.length)),
        ['/etc/passwd', '/etc/group', '/etc/subuid', '/etc/subgid', '/etc/docker/daemon.json'],
      )
      assert.match(edits[2]?.diff ?? '', /^\+dockremap:200000:65536$/m)
      assert.match(edits[4]?.diff ?? '', /^\+.*"userns-remap":"dockremap"/m)
      assert.equal(willFollow.newDataRoot, `${engine.dataRoot}/200000.200000`)
      assert.ok(willFollow.hidden.images.some(({ tags }) => tags.includes(fixtureImage)))
      assert.equal(willFollow.hidden.containers.length, 4)
      assert.equal(willFollow.hidden.volumes[0]?.target, '/vol')
      assert.deepEqual(
        willFollow.cannotStart.map(({ container, why }) => [container.slice(engine.prefix.length), why]),
        [
          ['net', "it uses the host's network"],
          ['priv', 'it is privileged'],
        ],
      )
      const problems = willFollow.denied.flatMap(({ mounts }) => mounts.flatMap((mount) => mount.problems))
      assert.deepEqual(
        problems.map(({ kind, path, lacks }) => [kind, path, lacks]),
        [
          ['chain', join(root, 'srv/locked'), 'x'],
          ['source', data, 'rwx'],
          ['tree', join(data, 'old'), 'rw'],
        ],
      )
      assert.ok(willFollow.disk.imageBytes > 1_000_000 && willFollow.disk.freeBytes > 0)
      assert.equal(treeDigest(join(root, 'etc')), etcBefore)
    })

    test('an engine that does not come back remapped is brought back as it was', async () => {
      writeFileSync(`${engine.dataRoot}/200000.200000`, 'in the way')
      const { code, stderr } = await paddock('enable', '--restart', '--yes')
      assert.equal(code, 2)
      assert.match(
        stderr,
        /^paddock: cannot enable remapping: .*; it was undone, and the engine runs as before; see /,
      )
      assert.equal(treeDigest(join(root, 'etc')), etcBefore)
      assert.equal((await json('status')).on, false)
      rmSync(`${engine.dataRoot}/200000.200000`)
    })

    /** The power fails when everything is written, and the engine not restarted yet. */
    function enableAndDie(): void {
      const args = [
        'uidmap',
        'enable',
        '--root',
        root,
        '--engine',
        engine.address,
        '--migrate-images',
        '--yes',
      ]
      const { signal, stderr } = spawnSync(
        process.execPath,
        ['src/bin/paddock.ts', ...args, '--restart-command', 'kill -9 $PPID'],
        { encoding: 'utf8' },
      )
      assert.equal(signal, 'SIGKILL', stderr)
    }
    const imagesKept = () =>
      readdirSync(join(root, 'var/lib/paddock/uidmap')).filter((name) => name.startsWith('images-for'))

    test('ended between the files and the restart: told by status, and taken back', async () => {
      enableAndDie()
      assert.deepEqual(imagesKept(), ['images-for-remapped.tar'])
      const { code, on, configured } = await json('status')
      assert.deepEqual([code, on, configured], [1, false, 'dockremap'])
      const disabled = await json('disable', '--yes')
      assert.equal(disabled.code, 0, disabled.stderr)
      assert.equal(treeDigest(join(root, 'etc')), etcBefore)
      assert.equal((await json('status')).code, 0)
      assert.deepEqual(imagesKept(), [])
    })

    test('enable carries files and images over, restarts, and proves it by a container, though it was ended before', async () => {
      const shown = await paddock('enable')
      assert.match(shown.stdout, /Nothing was changed. Add --yes to do it.\n$/)
      assert.equal(treeDigest(join(root, 'etc')), etcBefore)
      enableAndDie()
      const enabled = await json('enable', '--migrate-images', '--restart', '--yes')
      assert.equal(enabled.code, 0, enabled.stderr)
      assert.deepEqual(enabled.verified.uids, [{ inside: 0, outside: FIRST, count: 65536 }])
      assert.equal(enabled.restarted, true)
      const status = await json('status')
      assert.deepEqual([status.code, status.on, status.configured], [0, true, 'dockremap'])
      assert.match(await engine.cli('images'), /paddock-test\/busybox/)
      assert.equal(await engine.cli('ps', '-aq'), '')
      assert.match(readFileSync(join(root, 'etc/passwd'), 'utf8'), /^dockremap:\*:\d+:\d+:.*nologin$/m)
      assert.equal((await json('enable', '--yes')).edits.length, 0)
    })

    test('a container whose mount is denied works after fix, and its files are as before after undo', async () => {
      const web = await engine.run({ name: 'web', args: mounted })
      await assert.rejects(web.exec('cat', '/data/old'), /denied/)
      const treeBefore = owners()
      const found = await json('check', web.name)
      assert.equal(found.code, 1)
      const problems = found.containers[0]?.mounts[0]?.problems ?? []
      assert.deepEqual(
        problems.map(({ path, mend }) => [path, mend]),
        [
          [join(root, 'srv/locked'), `setfacl -m u:200000:x ${join(root, 'srv/locked')}`],
          [data, `chown 201000:201000 ${data}`],
          [join(data, 'old'), `paddock uidmap fix ${web.name} --yes`],
        ],
      )
      for (const mode of [[], ['--acl']]) {
        const shown = await json('fix', web.name, ...mode)
        assert.deepEqual([shown.code, shown.done, shown.changes.length], [0, false, 3])
        assert.deepEqual(owners(), treeBefore)
        const fixed = await json('fix', web.name, ...mode, '--yes')
        assert.deepEqual([fixed.code, fixed.changed], [0, 3], JSON.stringify(fixed))
        assert.equal(await web.exec('cat', '/data/old'), 'from before')
        await web.exec('sh', '-c', 'echo new > /data/new && rm /data/new')
        assert.equal((await json('check', web.name)).code, 0)
        const undone = await json('fix', '--undo', fixed.log, '--yes')
        assert.equal(undone.code, 0, JSON.stringify(undone))
        assert.deepEqual(owners(), treeBefore)
      }
      await assert.rejects(web.exec('cat', '/data/old'), /denied/)
    })

    test('ids are resolved both ways', async () => {
      const web = `${engine.prefix}web`
      const there = await json('resolve', `${web}:app`)
      assert.deepEqual(there.answers, [
        {
          container: web,
          id: there.answers[0]?.id,
          inside: { id: 1000, name: 'app' },
          host: { id: 201_000, name: null },
        },
      ])
      const back = await paddock('resolve', '201000')
      assert.equal(back.stdout, `uid 201000 of the host is app (1000) of ${web}\n`)
      assert.equal((await paddock('resolve', '99')).code, 1)
      assert.match((await paddock('resolve', `${web}:nobody-here`)).stderr, /knows no user 'nobody-here'/)
    })

    test('names are written, read well, and go', async () => {
      const without = treeDigest(join(root, 'etc'))
      const named = await json('names', '--yes')
      assert.equal(named.code, 0, named.stderr)
      const passwd = readFileSync(join(root, 'etc/passwd'), 'utf8')
      assert.match(passwd, /^droot:\*:200000:200000:Paddock uid map.*:\/nonexistent:\/.*(nologin|false)$/m)
      assert.match(passwd, /^dapp:\*:201000:/m)
      assert.match(readFileSync(join(root, 'etc/group'), 'utf8'), /^droot:!paddock:200000:$/m)
      assert.equal((await json('names')).edits.length, 0)
      assert.equal((await json('names', '--remove', '--yes')).code, 0)
      assert.equal(treeDigest(join(root, 'etc')), without)
      await paddock('names', '--yes')
    })

    test('disable is the way back, byte for byte', async () => {
      const disabled = await json('disable', '--restart', '--yes')
      assert.equal(disabled.code, 0, disabled.stderr)
      assert.equal(treeDigest(join(root, 'etc')), etcBefore)
      assert.equal((await json('status')).on, false)
      assert.match(await engine.cli('ps', '-a', '--format', '{{.Names}}'), new RegExp(before.name))
      assert.equal(statSync(engine.dataRoot).gid, 0)
      await engine.cli('start', before.name)
      assert.equal(await before.exec('cat', '/data/old'), 'from before')
    })

    function owners() {
      return [join(root, 'srv/locked'), data, join(data, 'old')].map((path) => {
        const { uid, gid, mode } = lstatSync(path)
        return `${uid}:${gid} ${mode.toString(8)}`
      })
    }
  })
}

interface Problem {
  readonly kind: string
  readonly path: string
  readonly lacks: string
  readonly mend: string | null
}

interface Checked {
  readonly mounts: readonly { readonly problems: readonly Problem[] }[]
}

/** What the commands print, as far as it is looked at here. */
interface Answer {
  readonly code: number
  readonly stderr: string
  readonly on: boolean
  readonly configured: string | null
  readonly done: boolean
  readonly restarted: boolean
  readonly verified: { readonly uids: unknown }
  readonly changed: number
  readonly log: string
  readonly changes: readonly unknown[]
  readonly edits: readonly { readonly path: string; readonly diff: string }[]
  readonly answers: readonly { readonly id: string }[]
  readonly containers: readonly (Checked & { readonly name: string; readonly rootIsHostRoot: boolean })[]
  readonly willFollow: {
    readonly newDataRoot: string
    readonly hidden: {
      readonly images: readonly { readonly tags: readonly string[] }[]
      readonly containers: readonly unknown[]
      readonly volumes: readonly { readonly target: string }[]
    }
    readonly cannotStart: readonly { readonly container: string; readonly why: string }[]
    readonly denied: readonly Checked[]
    readonly disk: { readonly imageBytes: number; readonly freeBytes: number }
  }
}
