import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { appendFileSync, chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { runPaddock } from '../fixtures/run-paddock.ts'
import { fixtureImage, testEngine } from './harness.ts'

/* Podman maps each container by itself; what Paddock says of them is read from the kernel. */

describe('podman', async () => {
  const engine = await testEngine('podman')
  const root = join(dirname(engine.dataRoot), 'uidmap')
  // A container that asks for a mapping of its own choice takes it from the user "containers" of /etc/subuid.
  cpSync('/etc', join(root, 'etc'), { recursive: true, verbatimSymlinks: true })
  for (const name of ['subuid', 'subgid'])
    appendFileSync(join(root, 'etc', name), 'containers:700000:1000000\n')
  const data = join(root, 'data')
  mkdirSync(data)
  chmodSync(root, 0o755)
  writeFileSync(join(data, 'old'), 'x')
  const [auto, fixed, plain] = ['auto', 'fixed', 'plain'].map((name) => `${engine.prefix}${name}`) as [
    string,
    string,
    string,
  ]
  const mount = ['-v', `${data}:/data`]
  podman('run', '-d', '--name', auto, '--userns=auto', ...mount, fixtureImage, 'sleep', '1000000')
  podman(
    'run',
    '-d',
    '--name',
    fixed,
    '--uidmap=0:300000:2000',
    '--gidmap=0:300000:2000',
    ...mount,
    fixtureImage,
    'sleep',
    '1000000',
  )
  podman('run', '-d', '--name', plain, ...mount, fixtureImage, 'sleep', '1000000')

  /** As typed on the host of that /etc. */
  function podman(...args: string[]): string {
    const read = (name: string) =>
      readFileSync(`/proc/${engine.pid}/${name}`, 'utf8').split('\0').filter(Boolean)
    const words = read('cmdline')
    const roots = words.slice(0, words.indexOf('system'))
    const env = Object.fromEntries(
      read('environ').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    )
    const script = `mount --bind ${root}/etc /etc && exec "$@"`
    return execFileSync('unshare', ['--mount', 'sh', '-c', script, 'sh', ...roots, ...args], {
      env,
      encoding: 'utf8',
    }).trim()
  }

  const uidmap = async (...args: string[]) => {
    const { code, stdout, stderr } = await runPaddock([
      'uidmap',
      ...args,
      '--engine',
      engine.address,
      '--json',
    ])
    return { code, stderr, report: (stdout === '' ? {} : JSON.parse(stdout)) as Report }
  }
  const first = (name: string) =>
    Number(
      /^\s*0\s+(\d+)/.exec(
        readFileSync(`/proc/${podman('inspect', '--format', '{{.State.Pid}}', name)}/uid_map`, 'utf8'),
      )?.[1],
    )

  test('status tells each container’s own mapping', async () => {
    const { code, report } = await uidmap('status')
    assert.deepEqual([code, report.on], [0, false])
    const of = (name: string) => report.containers.find((one) => one.name === name)
    assert.deepEqual(
      [of(plain)?.rootIsHostRoot, of(auto)?.rootIsHostRoot, of(fixed)?.rootIsHostRoot],
      [true, false, false],
    )
    assert.equal(of(auto)?.maps.uids[0]?.outside, first(auto))
    assert.deepEqual(of(fixed)?.maps.uids, [{ inside: 0, outside: 300_000, count: 2000 }])
  })

  test('ids are resolved by each container’s own mapping, both ways', async () => {
    assert.equal((await uidmap('resolve', `${fixed}:app`)).report.answers[0]?.host?.id, 301_000)
    assert.equal((await uidmap('resolve', `${auto}:0`)).report.answers[0]?.host?.id, first(auto))
    const { report } = await uidmap('resolve', '301000')
    assert.deepEqual(
      report.answers.map(({ container, inside }) => [container, inside.name]),
      [[fixed, 'app']],
    )
    const outside = await uidmap('resolve', `${fixed}:5000`)
    assert.deepEqual([outside.code, outside.report.answers[0]?.host], [1, null])
  })

  test('check finds what the mapping denies, and only there', async () => {
    const { code, report } = await uidmap('check', plain, fixed, auto)
    assert.equal(code, 1)
    assert.deepEqual(
      report.containers.map(({ name, ok }) => [name, ok]),
      [
        [plain, true],
        [fixed, false],
        [auto, false],
      ],
    )
    assert.equal(report.containers[1]?.mounts[0]?.problems[0]?.mend, `chown 300000:300000 ${data}`)
  })

  test('what is Docker’s is refused with a sentence', async () => {
    for (const command of ['plan', 'enable', 'disable', 'names']) {
      const { code, stderr } = await uidmap(command)
      assert.equal(code, 2)
      assert.match(
        stderr,
        /it is Podman, which maps each container by itself; run containers with '--userns=auto'/,
      )
    }
    for (const name of [auto, fixed, plain]) podman('rm', '-f', '-t', '0', name)
    rmSync(root, { recursive: true })
  })
})

interface Report {
  readonly on: boolean
  readonly containers: readonly {
    readonly name: string
    readonly ok: boolean
    readonly rootIsHostRoot: boolean
    readonly maps: { readonly uids: readonly { readonly outside: number }[] }
    readonly mounts: readonly { readonly problems: readonly { readonly mend: string | null }[] }[]
  }[]
  readonly answers: readonly {
    readonly container: string
    readonly inside: { readonly name: string | null }
    readonly host: { readonly id: number } | null
  }[]
}
