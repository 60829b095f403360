import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { removeData } from './data.ts'
import { dockerFor } from './docker.ts'
import { type Host, instanceOn, stateOf } from './host.ts'
import { readRecord, removeRecord, writeRecord } from './record.ts'
import { endMarked } from './marked-processes.ts'
import { stop } from './stop.ts'
import { TEST_MARK } from './test-process.ts'

/** A test under way, on disk before its first container, so that whoever comes after a crash finds it. */
interface TestRun {
  readonly run: string
  /** What it starts: the service and all that it needs, in the order of their start. */
  readonly services: readonly string[]
}

function isTestRun(value: unknown): value is TestRun {
  return (
    typeof value === 'object' &&
    value !== null &&
    'run' in value &&
    typeof value.run === 'string' &&
    'services' in value &&
    Array.isArray(value.services)
  )
}

function runPath(host: Host, service: string): string {
  return join(stateOf(host, service), 'test-run.json')
}

export function recordTestRun(host: Host, service: string, run: string, services: readonly string[]): void {
  writeRecord(runPath(host, service), { run, services } satisfies TestRun)
}

/** Takes down what the last test of a service left, if anything. The caller has the service's lock. */
export async function endTestRun(host: Host, service: string): Promise<boolean> {
  const left = readRecord(runPath(host, service), isTestRun)
  if (left === null) return false
  // The test itself, where whoever ran it was killed.
  await endMarked(TEST_MARK, instanceOn(host, service, 'test', left.run).project)
  for (const name of left.services.toReversed()) {
    const instance = instanceOn(host, name, 'test', left.run)
    await stop(host, instance)
    await removeData(instance.dataDir)
    rmSync(instance.modelPath, { force: true })
  }
  removeRecord(runPath(host, service))
  return true
}

/** The same host, for what must be done though the command was interrupted. */
export function undisturbed(host: Host): Host {
  const { signal } = new AbortController()
  return { ...host, signal, docker: dockerFor(host.docker.address, host.env, signal, host.run) }
}
