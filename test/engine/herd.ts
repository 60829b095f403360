import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { cacheDir } from './packages.ts'
import type { TestEngine } from './harness.ts'

export { freePort } from '../../src/cli/demo/free-port.ts'

/** What a run of `paddock` gave. */
export interface PaddockRun {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** A herd of its own, with its own state and configuration folders, on a test engine. */
export interface TestHerd {
  readonly dir: string
  readonly state: string
  readonly policies: string
  readonly env: NodeJS.ProcessEnv
  /** Writes a service's files; those named `test` can be run. */
  service(name: string, files: Readonly<Record<string, string>>): void
  /** Runs `paddock ARGS` on it. */
  paddock(...args: string[]): Promise<PaddockRun>
  /** The same, and its JSON. Rejects where the exit code is another. */
  json(code: number, ...args: string[]): Promise<Record<string, unknown>>
  /** Takes down all that is left of it, and its folders. */
  remove(): Promise<void>
}

/** @param name of the herd's folder: two may have the same */
export function makeHerd(engine: TestEngine, name = 'herd'): TestHerd {
  const root = mkdtempSync('/var/tmp/paddock-herd-')
  chmodSync(root, 0o711)
  const dir = join(root, name)
  const [state, config] = [join(root, 'state'), join(root, 'config')]
  mkdirSync(dir)
  const env = {
    ...engine.env,
    PADDOCK_HERD: dir,
    PADDOCK_STATE_DIR: state,
    PADDOCK_CONFIG_DIR: config,
    PADDOCK_CACHE_DIR: join(cacheDir, 'bases'),
  }

  async function paddock(...args: string[]): Promise<PaddockRun> {
    const child = spawn(process.execPath, ['src/bin/paddock.ts', ...args], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const code = new Promise<number | null>((resolve) => child.once('close', resolve))
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
    return { out, err, code: await code }
  }

  return {
    dir,
    state,
    policies: join(config, 'policy.d'),
    env,
    paddock,
    service(service, files) {
      for (const [file, content] of Object.entries(files)) {
        const path = join(dir, service, file)
        mkdirSync(dirname(path), { recursive: true })
        writeFileSync(path, content, { mode: file === 'test' ? 0o755 : 0o644 })
      }
    },
    async json(code, ...args) {
      const run = await paddock(...args, '--json')
      if (run.code !== code)
        throw new Error(`paddock ${args.join(' ')}: exit ${String(run.code)}: ${run.out}${run.err}`)
      return JSON.parse(run.out) as Record<string, unknown>
    },
    async remove() {
      const label = `label=paddock.herd=${dir}`
      const left = (await engine.cli('ps', '-aq', '--filter', label)).split('\n').filter((id) => id !== '')
      if (left.length > 0) await engine.cli('rm', '-fv', ...left)
      rmSync(root, { recursive: true, force: true })
    },
  }
}

/** A service of busybox that answers on port 8080 with what it finds in /srv, and runs as nobody. */
export function webCompose(extra = '', xPaddock = ''): string {
  return `services:
  web:
    image: paddock-test/busybox
    command: [httpd, -f, -p, "8080", -h, /etc]
    stop_grace_period: 0s
    healthcheck:
      test: [CMD, wget, -q, -O, /dev/null, "http://127.0.0.1:8080/os-release"]
      interval: 1s
${extra.replaceAll(/^(?=.)/gm, '    ')}
${xPaddock === '' ? '' : `x-paddock:\n${xPaddock.replaceAll(/^(?=.)/gm, '  ')}\n`}`
}
