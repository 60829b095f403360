import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import {
  AUDIT_INBOX,
  AUDIT_MESSAGE_MAX_BYTES,
  AUDIT_WANTED,
  decodeAuditMessage,
} from '../protocol/audit-news.ts'
import { reasonOf } from '../lib/errors.ts'
import type { EngineFollower } from './follow-engine.ts'
import type { FindingSink } from './ports.ts'
import { onTick } from './tick.ts'

/**
 * The sensor starts no program, so it does not audit: it says when an audit is due, by making a file, and takes in
 * what an audit left for it, so that this is numbered, kept and told like all else.
 */
export interface Audits {
  /** The follower, with an ear for what may have made the host weaker. */
  listening(follower: EngineFollower): EngineFollower
  stop(): void
}

interface AuditsOptions {
  /** The state folder, root's own. */
  readonly folder: string
  readonly sink: FindingSink
  readonly unreadable: (what: string) => void
}

/** A container is created, renamed and started: one audit. */
const WANTED_AFTER_MS = 1000
const WEAKENING = new Set(['create', 'start', 'update', 'rename'])

export function openAudits({ folder, sink, unreadable }: AuditsOptions): Audits {
  const [inbox, wanted] = [join(folder, AUDIT_INBOX), join(folder, AUDIT_WANTED)]
  let wanting: NodeJS.Timeout | null = null

  function want(): void {
    wanting ??= setTimeout(() => {
      wanting = null
      attempt('say that an audit is due', () => {
        mkdirSync(dirname(wanted), { recursive: true, mode: 0o700 })
        writeFileSync(wanted, `${new Date().toISOString()}\n`)
      })
    }, WANTED_AFTER_MS)
  }

  function look(): void {
    for (const name of namesIn(inbox)) {
      const path = join(inbox, name)
      const what = `take in what an audit left at ${path}`
      attempt(what, () => {
        const news = decodeAuditMessage(readOwn(path))
        // Kept before it is gone: should this process die in between, it is told twice and not never.
        if (typeof news !== 'string' && !failed.has(what))
          for (const one of news) sink.emit({ ...one, kind: 'audit', source: 'audit', count: 1 })
        rmSync(path)
        if (typeof news === 'string') unreadable(`what an audit left at ${path}: ${news}`)
      })
    }
  }

  // The same failure at every look is one finding.
  const failed = new Set<string>()
  function attempt(what: string, act: () => void): void {
    try {
      act()
      failed.delete(what)
    } catch (error) {
      if (!(error instanceof Error && 'syscall' in error)) throw error
      if (!failed.has(what)) unreadable(`cannot ${what}: ${reasonOf(error)}`)
      failed.add(what)
    }
  }

  const stopLooking = onTick(look)
  return {
    listening: (follower) => ({
      async connected(engine) {
        await follower.connected(engine)
        // One that does not answer is asked for twice a second: nothing of it is to be audited.
        want()
      },
      touched(engine, containerId, event) {
        if (event !== null && WEAKENING.has(event.action)) want()
        return follower.touched(engine, containerId, event)
      },
      removed(containerId) {
        follower.removed(containerId)
      },
      lost(engine, why) {
        follower.lost(engine, why)
      },
    }),
    stop() {
      stopLooking()
      if (wanting !== null) clearTimeout(wanting)
    },
  }
}

function namesIn(folder: string): readonly string[] {
  // Asked for first: each look that finds no folder would cost an error and its stack.
  if (!existsSync(folder)) return []
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.json'))
  } catch {
    return []
  }
}

/** At most what a message may be, and one byte: more is no JSON then. */
function readOwn(path: string): Buffer {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    if (!fstatSync(fd).isFile()) return Buffer.alloc(0)
    const bytes = Buffer.alloc(AUDIT_MESSAGE_MAX_BYTES + 1)
    return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0))
  } finally {
    closeSync(fd)
  }
}
