import { pathFromJson } from '../lib/byte-path.ts'
import type { Finding, ProcessRef } from '../protocol/findings.ts'
import type { MarkedContainer } from './verdict/messages.ts'

/** Where a program came from that no file system of its container holds. */
export interface Strange {
  readonly from: NonNullable<Finding['exec']>['from']
  readonly why: string
}

/** Of what was mounted in a container when it was marked. */
export function devicesOf(marked: MarkedContainer | null | undefined): ReadonlySet<number> {
  return new Set(marked?.mounts.map((mount) => mount.device))
}

const LOADER = /\/(ld-linux[^/]*|ld-musl[^/]*|ld64?)\.so[.\d]*$/

/**
 * @param device of its file, as `stat` has it; -1 where that could not be told
 * @param devices of what was mounted in the container when it was marked; empty where it is not
 * @returns null for an ordinary one; 'elsewhere' for one that lies on none of these devices
 */
export function strangeProgram(
  exe: ProcessRef['exe'],
  device: number,
  devices: ReadonlySet<number>,
): Strange | 'elsewhere' | null {
  if (exe === null) return null
  const path = pathFromJson(exe)
  if (path.startsWith('/memfd:')) return { from: 'memfd', why: 'a program that is only in memory' }
  if (path.endsWith(' (deleted)')) return { from: 'deleted', why: 'its file was deleted' }
  if (device < 0) return null
  if (LOADER.test(path)) return { from: 'image', why: 'a dynamic loader run as a program' }
  return devices.size > 0 && !devices.has(device) ? 'elsewhere' : null
}
