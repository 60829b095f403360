import type { Trouble } from './findings/trouble-finding.ts'
import { type KernelEvents, type KernelOptions, startKernelEvents } from './kernel.ts'
import { startVerdicts, type VerdictOptions, type Verdicts } from './verdict.ts'

export interface ThreadCare {
  trouble(trouble: Trouble, detail: string): void
  /** A new thread runs and knows nothing yet. */
  restarted(): void
}

const PAUSE_MS = 1000

/** Keeps the verdict worker alive: its death is told, and a new one is started at once, the next after a pause. */
export function keepVerdicts(options: Omit<VerdictOptions, 'onDeath'>, care: ThreadCare): Verdicts {
  return keep<Verdicts>((onDeath) => startVerdicts({ ...options, onDeath }), 'verdicts-died', care)
}

export function keepKernelEvents(options: Omit<KernelOptions, 'onDeath'>, care: ThreadCare): KernelEvents {
  return keep<KernelEvents>(
    (onDeath) => startKernelEvents({ ...options, onDeath }),
    'kernel-events-died',
    care,
  )
}

function keep<T extends Verdicts | KernelEvents>(
  start: (onDeath: (why: string) => void) => T,
  trouble: Trouble,
  care: ThreadCare,
): T {
  let current = start(onDeath)
  let diedAt = Number.NEGATIVE_INFINITY
  let stopped = false

  function onDeath(why: string): void {
    care.trouble(trouble, why)
    const soon = performance.now() - diedAt < PAUSE_MS ? PAUSE_MS : 0
    diedAt = performance.now()
    setTimeout(() => {
      if (stopped) return
      current = start(onDeath)
      care.restarted()
    }, soon)
  }

  return {
    send: (message: never) => current.send(message),
    giveBack: (fd: number) => current.giveBack(fd),
    stats: () => (current as Verdicts).stats(),
    stop: () => {
      stopped = true
      return current.stop()
    },
  } as T
}
