import { readFileSync } from 'node:fs'

const LISTEN = '0A'

/** TCP ports that somebody listens on in the network of a process (proc(5), /proc/net/tcp). */
export function listeningPorts(pid: number): ReadonlySet<number> {
  const lines = ['tcp', 'tcp6'].flatMap((file) => linesOf(`/proc/${pid}/net/${file}`))
  const ports = lines.flatMap((line) => {
    const [, local = '', , state] = line.trim().split(/\s+/)
    return state === LISTEN ? [Number.parseInt(local.slice(local.lastIndexOf(':') + 1), 16)] : []
  })
  return new Set(ports)
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'latin1').split('\n').slice(1)
  } catch {
    return []
  }
}
