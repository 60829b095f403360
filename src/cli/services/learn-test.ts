import { setTimeout as sleep } from 'node:timers/promises'
import type { BytePath } from '../../lib/byte-path.ts'
import { UserError } from '../../lib/errors.ts'
import { printable } from '../../lib/printable.ts'
import { compilePolicy } from '../../policy/judge.ts'
import { learn, type Seen } from '../../policy/learn.ts'
import { leftOutLines, learntLines } from '../../policy/learn/file.ts'
import type { Learnt, SeenChange, SeenProcess } from '../../policy/learn/seen.ts'
import { mergePolicy } from '../../policy/merge.ts'
import { containersOf, ofInstance } from '../../services/containers.ts'
import type { Service } from '../../services/declaration.ts'
import type { Host } from '../../services/host.ts'
import type { Instance } from '../../services/instance.ts'
import { observe } from '../learn/observe.ts'

const LOOK_FOR_CONTAINERS_MS = 100

/** Watches the containers of a test's instance, each from the moment that it runs, and says what policy would expect all of it. */
export class TestLearning {
  readonly #seen: Seen[] = []
  #trouble: UserError | null = null

  /** Until the test ended. Never rejects: what went wrong is told by `learnt`. */
  async watch(host: Host, instance: Instance, ends: AbortSignal): Promise<void> {
    const watched = new Map<string, Promise<void>>()
    while (!ends.aborted) {
      await this.#orTrouble(async () => {
        for (const { id, state } of await containersOf(host, ofInstance(instance))) {
          if (state === 'running' && !watched.has(id)) watched.set(id, this.#watchOne(host, id, ends))
        }
      })
      await sleep(LOOK_FOR_CONTAINERS_MS, undefined, { signal: ends }).catch(() => undefined)
    }
    await Promise.all(watched.values())
  }

  /** @throws UserError where nothing could be learnt */
  learnt({ policy }: Service): Learnt {
    const [first, ...others] = this.#seen
    if (first === undefined) throw this.#trouble ?? new UserError('cannot learn: no container ran')
    const known = policy === null ? null : compilePolicy(mergePolicy([policy.declaration], 'alert'))
    return learn(others.reduce<Seen>(together, first), { trustPrograms: false, known })
  }

  #watchOne(host: Host, id: string, ends: AbortSignal): Promise<void> {
    // One that only prepares something is over before the test is, and is not learnt.
    return this.#orTrouble(async () => {
      this.#seen.push(await observe(host.engine, id, ends, new AbortController().signal))
    })
  }

  async #orTrouble(act: () => Promise<void>): Promise<void> {
    try {
      await act()
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      this.#trouble = error
    }
  }
}

/** One policy speaks of all containers of a service: what is required of it must run in each. */
function together(one: Seen, other: Seen): Seen {
  const paths = new Map<BytePath, SeenChange>(one.changes.map((change) => [change.path, change]))
  for (const change of other.changes) {
    const same = paths.get(change.path)
    paths.set(change.path, same === undefined ? change : bothChanges(same, change))
  }
  const isSteady = ({ processes }: Seen, { exe, user }: SeenProcess) =>
    processes.some((process) => process.exe === exe && process.user === user && process.steady)
  const processes = [...one.processes, ...other.processes].map((process) => ({
    ...process,
    steady: process.steady && isSteady(one, process) && isSteady(other, process),
  }))
  return { changes: [...paths.values()], processes }
}

function bothChanges(one: SeenChange, other: SeenChange): SeenChange {
  const sizes = [one.largestBytes, other.largestBytes].filter((size) => size !== null)
  return {
    ...one,
    kinds: new Set([...one.kinds, ...other.kinds]),
    largestBytes: sizes.length === 0 ? null : Math.max(...sizes),
    passing: one.passing && other.passing,
    grave: one.grave ?? other.grave,
  }
}

/** For the compose file, as it is to stand there. */
export function proposal({ composePath }: Service, learnt: Learnt): string {
  const lines = learntLines(learnt)
  const head =
    lines.length === 0
      ? [`# Its test did nothing that ${printable(composePath)} does not expect.`]
      : [
          `# What its test did and ${printable(composePath)} does not expect. Read it before you trust it.`,
          'x-paddock:',
        ]
  return [...head, ...lines.map((line) => `  ${line}`), ...leftOutLines(learnt), ''].join('\n')
}
