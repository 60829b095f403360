import { UserError } from '../lib/errors.ts'
import type { Service } from './declaration.ts'
import { type Host, instanceOn } from './host.ts'
import type { InstanceKind } from './instance.ts'
import { prepare } from './prepare.ts'
import { startInstance, type Up } from './production.ts'
import { readRecord, writeRecord } from './record.ts'
import { isReplicas, replicasPath, replicate } from './replicas.ts'

const MOST = 100

/** "web=3" */
export function parseScale(typed: string): { name: string; count: number } {
  const [, name, count] = /^([^=]+)=(\d{1,3})$/.exec(typed) ?? []
  if (name === undefined || Number(count) < 1 || Number(count) > MOST) {
    throw new UserError(`cannot scale by '${typed}'`, {
      hint: `write SERVICE=N with N from 1 to ${MOST}, as in web=3; 'paddock down' stops a service`,
    })
  }
  return { name, count: Number(count) }
}

/**
 * Runs N replicas. New ones must be healthy; those that go get the time to finish that the compose file gives them
 * (stop_grace_period). The number stays until it is changed, through restarts and upgrades.
 */
export async function scale(host: Host, service: Service, kind: InstanceKind, count: number): Promise<Up> {
  const instance = instanceOn(host, service.name, kind)
  const path = replicasPath(host, service.name)
  const before = readRecord(path, isReplicas) ?? {}
  // What cannot be is refused before anything is remembered.
  replicate((await prepare(host, service, instance)).model, service, count)
  writeRecord(path, { ...before, [kind]: count })
  try {
    return await startInstance(host, service, kind, { recreate: false })
  } catch (error) {
    writeRecord(path, before)
    throw error
  }
}
