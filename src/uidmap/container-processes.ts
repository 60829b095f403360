import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { type Credentials, parseStatus } from './people.ts'

/**
 * The processes of a running container, its init first: those of init's process namespace. With the host's own
 * (`--pid host`) the others cannot be told from the host's, and only init is given.
 */
export function processesOf(init: number): Credentials[] {
  const namespace = linkOf(`/proc/${init}/ns/pid`)
  const isOwn = namespace !== null && namespace !== linkOf('/proc/1/ns/pid')
  const others = isOwn
    ? readdirSync('/proc').filter(
        (name) => /^\d+$/.test(name) && name !== String(init) && linkOf(`/proc/${name}/ns/pid`) === namespace,
      )
    : []
  return [String(init), ...others].flatMap((pid) => credentialsOf(pid) ?? [])
}

function credentialsOf(pid: string): Credentials | null {
  try {
    return parseStatus(readFileSync(`/proc/${pid}/status`, 'latin1'))
  } catch {
    // It ended meanwhile.
    return null
  }
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path)
  } catch {
    return null
  }
}
