import { join } from 'node:path'
import type { Herd } from './herd.ts'

export type InstanceKind = 'prod' | 'dev' | 'test'

/** A service running as production, for development, or for one run of its test. */
export interface Instance {
  readonly kind: InstanceKind
  readonly service: string
  /**
   * Compose's project name, which no other instance of the host has: "herd-3fa2c1_web_prod". No container of another begins
   * with it and a hyphen, as one of "web-admin" would with "herd-3fa2c1_web": a service's name holds no '_'.
   */
  readonly project: string
  /** PADDOCK_TAG: "live" for production, else "latest". */
  readonly tag: string
  /** PADDOCK_DATA: the instance's own folder on the host. */
  readonly dataDir: string
  /** The compose file that Paddock made of the service's for this instance. */
  readonly modelPath: string
}

/** Labels that every container of an instance carries. */
export const label = {
  herd: 'paddock.herd',
  service: 'paddock.service',
  instance: 'paddock.instance',
} as const

/**
 * @param stateDir Paddock's state folder
 * @param run tells a test's run from others; only for `test`
 */
export function instanceOf(
  herd: Herd,
  service: string,
  kind: InstanceKind,
  stateDir: string,
  run = 'test',
): Instance {
  const leaf = kind === 'test' ? run : kind
  return {
    kind,
    service,
    project: `${herd.id}_${service}_${leaf}`,
    tag: kind === 'prod' ? 'live' : 'latest',
    dataDir: join(stateDir, 'data', herd.id, service, leaf),
    modelPath: join(serviceStateDir(herd, service, stateDir), `${leaf}.yaml`),
  }
}

/** What Paddock remembers of one service: what was tested, promoted, scaled; its lock. */
export function serviceStateDir(herd: Herd, service: string, stateDir: string): string {
  return join(stateDir, 'services', herd.id, service)
}
