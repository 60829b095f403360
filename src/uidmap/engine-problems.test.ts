import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Daemon, parseFlags } from './daemon.ts'
import { engineProblems, restartProblem } from './engine-problems.ts'
import { identityMaps } from './id-map.ts'
import type { Setup } from './setup.ts'

function withRoot(work: (root: string) => void): void {
  const root = mkdtempSync(join(tmpdir(), 'paddock-engine-problems-'))
  try {
    mkdirSync(join(root, 'etc/docker'), { recursive: true })
    work(root)
  } finally {
    rmSync(root, { recursive: true })
  }
}

function setup(
  root: string,
  daemon: Daemon | null,
  daemons: readonly Daemon[] = daemon === null ? [] : [daemon],
): Setup {
  return {
    host: { root, stateDir: '' },
    engine: null,
    daemon,
    daemons,
    configFile: '/etc/docker/daemon.json',
  }
}

function daemon(root: string, pid: number, ...argv: string[]): Daemon {
  return {
    pid,
    flags: parseFlags(argv),
    configFile: `${root}/etc/docker/daemon.json`,
    unit: 'docker.service',
  }
}

test('a flag on the daemon’s command line stands against the file, whatever its value and spelling', () => {
  withRoot((root) => {
    for (const argv of [
      ['--userns-remap=default'],
      ['--userns-remap', 'default'],
      ['-H', 'fd://', '--userns-remap='],
    ]) {
      const { obstacles } = engineProblems(setup(root, daemon(root, process.pid, ...argv)), identityMaps)
      assert.match(
        obstacles[0]?.problem ?? '',
        /command line \(process \d+\) says --userns-remap=.*would not start with both/,
      )
      assert.equal(obstacles[0]?.hint, 'take the flag out of docker.service')
    }
    assert.deepEqual(
      engineProblems(setup(root, daemon(root, process.pid, '-H', '--userns-remap=x')), identityMaps)
        .obstacles,
      [],
    )
  })
})

test('two daemons with one file are refused, whether it is there yet or not; two files are not', () => {
  const other = spawn('sleep', ['60'])
  try {
    withRoot((root) => {
      for (const isThere of [false, true]) {
        if (isThere) writeFileSync(join(root, 'etc/docker/daemon.json'), '{}')
        const two = [daemon(root, process.pid), daemon(root, other.pid ?? 0)]
        const { obstacles } = engineProblems(setup(root, two[0] ?? null, two), identityMaps)
        assert.match(
          obstacles[0]?.problem ?? '',
          /two daemons read it \(processes \d+ and \d+\), and both would be remapped/,
        )
        const second = { ...daemon(root, other.pid ?? 0), configFile: `${root}/etc/docker/other.json` }
        assert.deepEqual(
          engineProblems(setup(root, two[0] ?? null, [daemon(root, process.pid), second]), identityMaps)
            .obstacles,
          [],
        )
      }
    })
  } finally {
    other.kill()
  }
})

test('a daemon that reads another file is noted, and not restarted for nothing', () => {
  withRoot((root) => {
    const elsewhere = { ...daemon(root, process.pid), configFile: '/etc/docker/daemon.json' }
    assert.match(
      engineProblems(setup(root, elsewhere), identityMaps).notes[0] ?? '',
      /does not read .*daemon.json, but a file of its own/,
    )
    assert.match(
      restartProblem(setup(root, elsewhere))[0]?.problem ?? '',
      /cannot restart the engine to any effect/,
    )
    assert.deepEqual(restartProblem(setup(root, daemon(root, process.pid))), [])
  })
})
