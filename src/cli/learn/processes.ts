import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { close } from '../../lib/libc/files.ts'
import { allocate } from '../../lib/libc/library.ts'
import { openProcessConnector, parseProcessEvents } from '../../lib/libc/netlink.ts'
import { readInto } from '../../lib/libc/poll.ts'
import type { BytePath } from '../../lib/byte-path.ts'

/** One process of the container as it was first seen running a program. */
export interface Sighting {
  readonly exe: BytePath | null
  readonly uid: number
  readonly args: string
  readonly fromOutside: boolean
}

const SAMPLE_MS = 250
/** A `grep` lives for milliseconds, and what learning misses is an alert later. */
const DRAIN_MS = 2
const ENOBUFS = -105
/** No execution takes so long. */
const BARE_MS = 200
const LONGEST_ARGUMENTS_BYTES = 128 * 1024
const MOST_SIGHTINGS = 20_000

/**
 * Sees what runs in a container, without stopping it: each process that `/proc` shows four times a second, and, where the
 * kernel tells of executions (the process connector), each that is still there when it is looked at.
 */
export class ProcessWatch implements Disposable {
  readonly #init: () => number
  readonly #memory = allocate(64 * 1024)
  readonly #connector: number
  readonly #timers: readonly NodeJS.Timeout[]
  readonly #known = new Map<string, Sighting>()
  /** Seen without arguments, and when first: in the middle of an execution, or for good. */
  readonly #bare = new Map<string, number>()
  #present = new Set<string>()

  /** @param init the process id of the container's init, asked at each look: it may be started anew */
  constructor(init: () => number) {
    this.#init = init
    this.#connector = openProcessConnector()
    this.#timers = [
      setInterval(() => {
        this.sample()
      }, SAMPLE_MS),
      ...(this.hasConnector
        ? [
            setInterval(() => {
              this.#drain()
            }, DRAIN_MS),
          ]
        : []),
    ]
    this.sample()
  }

  /** Whether the kernel tells of each execution; else the short-lived are seen by chance. */
  get hasConnector(): boolean {
    return this.#connector >= 0
  }

  /** All that were seen; a process that ran several programs is several. */
  get sightings(): ReadonlyMap<string, Sighting> {
    return this.#known
  }

  /** Keys of those that are there now. */
  get present(): ReadonlySet<string> {
    return this.#present
  }

  sample(): void {
    const container = containerOf(this.#init())
    const present = new Set<string>()
    if (container !== null) {
      for (const name of readdirSync('/proc')) {
        const key = /^\d+$/.test(name) ? this.#look(Number(name), container) : null
        if (key !== null) present.add(key)
      }
    }
    this.#present = present
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearInterval(timer)
    if (this.hasConnector) close(this.#connector)
  }

  #drain(): void {
    let container: ContainerId | null = null
    for (;;) {
      const length = readInto(this.#connector, this.#memory)
      // The queue overflowed: what it still holds is read on.
      if (length === ENOBUFS) continue
      if (length <= 0) return
      container ??= containerOf(this.#init())
      if (container === null) continue
      for (const event of parseProcessEvents(this.#memory.bytes, length)) {
        if (event.what === 'exec' || event.what === 'user') this.#look(event.pid, container)
      }
    }
  }

  /** @returns its key; null where it is none of this container's, or gone */
  #look(pid: number, container: ContainerId): string | null {
    try {
      if (!belongs(pid, container)) return null
      const status = readFileSync(`/proc/${pid}/status`, 'latin1')
      const link = exeLink(pid)
      // The engine's runtime on its way in, a sealed copy of itself: no file of a container is executed as its root.
      if (link === '/') return null
      const exe = exeOf(link)
      const uid = insideUid(pid, Number(/^Uid:\t\d+\t(\d+)/m.exec(status)?.[1] ?? 0))
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
      const startTicks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
      const key = `${pid} ${startTicks} ${uid} ${exe ?? ''}`
      if (this.#known.has(key) || this.#known.size >= MOST_SIGHTINGS) return key
      const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1')
      // In the middle of an execution: the next look has it whole.
      if (exeLink(pid) !== link) return key
      if (words === '') {
        const sinceMs = this.#bare.get(key) ?? performance.now()
        this.#bare.set(key, sinceMs)
        if (performance.now() - sinceMs < BARE_MS) return key
      }
      // A fork that has not run a program yet shows its parent's, which is known already.
      const parentPid = Number(/^PPid:\t(\d+)/m.exec(status)?.[1] ?? 0)
      const fromOutside = pid !== container.init && !belongs(parentPid, container)
      this.#known.set(key, { exe, uid, args: argumentsOf(words), fromOutside })
      return key
    } catch {
      // Gone while it was looked at.
      return null
    }
  }
}

interface ContainerId {
  readonly init: number
  /** Of the process-id namespace; null where the container has the host's. */
  readonly namespace: string | null
  readonly cgroup: string
}

function containerOf(init: number): ContainerId | null {
  try {
    const namespace = readlinkSync(`/proc/${init}/ns/pid`)
    const cgroup = readFileSync(`/proc/${init}/cgroup`, 'latin1')
    return { init, namespace: namespace === readlinkSync('/proc/self/ns/pid') ? null : namespace, cgroup }
  } catch {
    return null
  }
}

function belongs(pid: number, { namespace, cgroup }: ContainerId): boolean {
  if (namespace !== null) return readlinkSync(`/proc/${pid}/ns/pid`) === namespace
  return readFileSync(`/proc/${pid}/cgroup`, 'latin1') === cgroup
}

function exeLink(pid: number): string {
  return readlinkSync(`/proc/${pid}/exe`, { encoding: 'latin1' })
}

function exeOf(link: string): BytePath | null {
  return link.startsWith('/') && !link.startsWith('/memfd:') && !link.endsWith(' (deleted)')
    ? (link as BytePath)
    : null
}

function argumentsOf(words: string): string {
  return words.slice(0, LONGEST_ARGUMENTS_BYTES).split('\0').slice(1, -1).join(' ')
}

/** By the process's own map of users; as it is where there is no line for it. */
function insideUid(pid: number, uid: number): number {
  for (const line of readFileSync(`/proc/${pid}/uid_map`, 'latin1').split('\n')) {
    const [inside = 0, outside = 0, count = 0] = line.trim().split(/\s+/).map(Number)
    if (uid >= outside && uid < outside + count) return inside + uid - outside
  }
  return uid
}
