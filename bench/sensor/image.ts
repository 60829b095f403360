import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { debianImage, type TestContainer, type TestEngine } from '../../test/engine/harness.ts'

/** Debian with nginx, redis, what loads them, and `workload.py`. @returns the tag */
export async function workloadImage(engine: TestEngine): Promise<string> {
  const base = await debianImage(engine, {
    tag: 'paddock-test/bench-sensor:1',
    packages: ['python3', 'nginx-light', 'redis-server', 'redis-tools', 'apache2-utils', 'fatrace'],
  })
  const context = mkdtempSync(join(tmpdir(), 'paddock-bench-image-'))
  try {
    cpSync(join(import.meta.dirname, 'workload.py'), join(context, 'workload.py'))
    writeFileSync(join(context, 'Dockerfile'), `FROM ${base}\nCOPY workload.py /opt/workload.py\n`)
    const tag = `${engine.prefix}workload`
    await engine.cli('build', '--network', 'none', '--tag', tag, context)
    return tag
  } finally {
    rmSync(context, { recursive: true, force: true })
  }
}

/** Runs a workload in a container; what it printed. */
export async function work<T>(
  container: TestContainer,
  name: string,
  ...args: (string | number)[]
): Promise<T> {
  return JSON.parse(await container.exec('python3', '/opt/workload.py', name, ...args.map(String))) as T
}
