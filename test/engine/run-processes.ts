import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Programs that an engine leaves behind when it dies. A process of another name is never touched for its arguments. */
const ENGINE_PROGRAMS =
  /\/(dockerd|containerd|containerd-shim-runc-v2|docker-proxy|podman|conmon|runc)( \(deleted\))?$/

/**
 * Ends all that runs out of a run's folder: engines, and what is in their containers.
 * Docker stops its containers in order when it is asked to; the containers need not agree.
 */
export async function endProcesses(folder: string): Promise<void> {
  const asked = new Set<number>()
  for (let round = 0; ; round++) {
    const { engines, contained } = processesOf(folder)
    if (engines.length + contained.length === 0) return
    if (round > 300) throw new Error(`these processes do not end: ${[...engines, ...contained].join(' ')}`)
    for (const pid of engines) {
      if (round > 100) signal(pid, 'SIGKILL')
      else if (!asked.has(pid) && isDaemon(pid)) signal(pid, 'SIGTERM')
      asked.add(pid)
    }
    if (round > 0) for (const pid of contained) signal(pid, 'SIGKILL')
    await sleep(100)
  }
}

function isDaemon(pid: number): boolean {
  try {
    return /\/(dockerd|podman)\0/.test(readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8'))
  } catch {
    return false
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It ended meanwhile.
  }
}

function processesOf(folder: string): { engines: number[]; contained: number[] } {
  const engines: number[] = []
  const contained: number[] = []
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      if (rootMount(name).includes(`${folder}/`)) contained.push(Number(name))
      else if (
        ENGINE_PROGRAMS.test(readlinkSync(`/proc/${name}/exe`)) &&
        readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(`${folder}/`)
      )
        engines.push(Number(name))
    } catch {
      // It ended meanwhile.
    }
  }
  return { engines, contained }
}

/** The line of a process's mount table that tells what its root is; names the layer directory for a container. */
function rootMount(pid: string): string {
  const lines = readFileSync(`/proc/${pid}/mountinfo`, 'utf8').split('\n')
  return lines.find((line) => line.split(' ')[4] === '/' && line.includes(' - overlay ')) ?? ''
}
