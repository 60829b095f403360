import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../lib/errors.ts'
import { RUN_MARK } from './docker.ts'
import { type Host, stateOf } from './host.ts'
import { recover } from './journal.ts'
import { lockService } from './lock.ts'
import { endMarked } from './marked-processes.ts'
import { undisturbed } from './test-cleanup.ts'

/**
 * Does something to a service that nobody else is at, after undoing what an interrupted command left of it.
 * @param doing a verb, for whoever finds it locked: "upgrade"
 */
export async function atWork<T>(
  host: Host,
  service: string,
  doing: string,
  work: () => Promise<T>,
): Promise<T> {
  using lock = await lockService(stateOf(host, service), service, doing, host.run)
  // What it had begun goes on without it: compose would start what is about to be undone.
  if (lock.interrupted !== null) await endMarked(RUN_MARK, lock.interrupted)
  await recover(undisturbed(host), service)
  return await work()
}

/** For commands that only look: undoes what interrupted commands left, where nobody is at it. */
export async function recoverAll(host: Host, services: readonly string[]): Promise<void> {
  for (const service of services) {
    const folder = stateOf(host, service)
    if (!['intent.json', 'test-run.json'].some((name) => existsSync(join(folder, name)))) continue
    try {
      await atWork(host, service, 'recover', () => Promise.resolve())
    } catch (error) {
      // Somebody is at it, or it cannot be undone yet: whoever looks sees what there is.
      if (!(error instanceof UserError)) throw error
      host.tell(service, error.message)
    }
  }
}
