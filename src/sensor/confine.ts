import { writeFileSync } from 'node:fs'
import { reasonOf } from '../lib/errors.ts'
import {
  capabilities,
  dropFromBoundingSet,
  setNoNewPrivileges,
  setUndumpable,
} from '../lib/libc/capabilities.ts'
import { canCheckExecution } from '../lib/libc/execve.ts'
import { forbidSystemCalls } from '../lib/libc/seccomp.ts'
import type { PartStatus } from '../protocol/answers.ts'

/** What of root's power the sensor keeps, and for what; README.md says it in prose. */
export const neededCapabilities: Readonly<Record<string, string>> = {
  CAP_SYS_ADMIN: 'fanotify with permission events; the overlay of the self-test',
  CAP_SYS_PTRACE: '/proc/<pid>/root, exe and maps of processes in containers',
  CAP_DAC_READ_SEARCH: 'layer directories, whoever owns them',
  CAP_DAC_OVERRIDE: 'mounting that overlay: the kernel makes its work folder without any permission',
  CAP_FOWNER: 'reading without changing access times (O_NOATIME)',
  CAP_LEASE: 'a lease on an image file while it is hashed, whoever owns it',
  CAP_SYS_NICE:
    'the threads that answer and hear the kernel go before others: a program waits, or is gone soon',
  CAP_NET_ADMIN: 'the process connector',
  CAP_CHOWN: 'its socket to the group paddock',
}

const AF_UNIX = 1
const AF_NETLINK = 16

/** Set once the process was executed again, so that a kernel which ignores the drop does not make it do so for ever. */
const AGAIN = 'PADDOCK_SENSOR_CONFINED'

/** The kernel kills what uses most memory first; the sensor last. */
const OOM_SCORE = '-900'

/**
 * V8 lets the young objects of each thread take up to 64 MiB before it looks which are still needed; a sensor's live short. And
 * it is to keep its heap small rather than its code fast: the sensor's time is the kernel's and the C library's.
 */
const HEAP_FLAGS = ['--max-semi-space-size=2', '--optimize-for-size']

/** glibc (mallopt(3)) gives little back by itself: with 100 containers a third of the sensor was memory that it had freed. */
const HEAP_ENVIRONMENT = {
  MALLOC_TRIM_THRESHOLD_: '65536',
  MALLOC_MMAP_THRESHOLD_: '32768',
  MALLOC_TOP_PAD_: '65536',
}

/**
 * Gives up what the sensor does not need. Capabilities belong to threads, and Node has started some by now: so what
 * is not needed leaves the bounding set, and the process executes itself again (same pid, no child; with a smaller heap). Then system
 * calls that a sensor never makes are refused for all threads: starting programs, network sockets, and more.
 * @returns how far that went, for the status; it never stops the sensor
 */
export function confine(): PartStatus[] {
  const wanted = new Set(Object.keys(neededCapabilities))
  const surplus = [...capabilities('CapEff')].filter((name) => !wanted.has(name))
  if (process.env[AGAIN] === undefined) {
    const problem = attempt(() => {
      // Needs CAP_SYS_RESOURCE, which is about to go.
      attempt(() => {
        writeFileSync('/proc/self/oom_score_adj', OOM_SCORE)
      })
      if (surplus.length === 0) return
      const bounding = [...capabilities('CapBnd')].filter((name) => !wanted.has(name))
      // Last the one that allows dropping.
      dropFromBoundingSet(bounding.sort((name) => (name === 'CAP_SETPCAP' ? 1 : -1)))
      setNoNewPrivileges()
    })
    if (problem === null) executeAgain()
    return [part('capabilities', 'lost', `all of root's: ${problem}`), ...forbid()]
  }
  const kept = [...capabilities('CapEff')].sort().join(' ')
  return [
    surplus.length === 0
      ? part('capabilities', 'ok', `only ${kept}`)
      : part('capabilities', 'lost', `more than needed: ${surplus.join(' ')}`),
    ...forbid(),
  ]
}

/** Does not come back. */
function executeAgain(): never {
  const { execPath, execArgv, argv, env } = process
  // Since Node 23.11; its declaration leaves room for systems without it.
  if (process.execve === undefined) throw new Error('this Node has no execve')
  const words = [execPath, ...HEAP_FLAGS, ...execArgv, ...argv.slice(1)]
  return process.execve(execPath, words, { ...env, ...HEAP_ENVIRONMENT, [AGAIN]: '1' })
}

function forbid(): PartStatus[] {
  // Where the kernel cannot be asked, the self-test must tell it to run what is no program.
  const execve = !canCheckExecution()
  const problem = attempt(() => {
    setNoNewPrivileges()
    setUndumpable()
    forbidSystemCalls({ socketFamilies: [AF_UNIX, AF_NETLINK], execve })
  })
  return [
    problem === null
      ? part(
          'system calls',
          'ok',
          execve
            ? 'no processes, no network; a program in its own place, which the self-test needs before Linux 6.14'
            : 'no programs, no processes, no network',
        )
      : part('system calls', 'lost', `none is refused: ${problem}`),
  ]
}

function part(name: string, state: PartStatus['state'], detail: string): PartStatus {
  return { name, state, detail }
}

function attempt(act: () => void): string | null {
  try {
    act()
    return null
  } catch (error) {
    return reasonOf(error)
  }
}
