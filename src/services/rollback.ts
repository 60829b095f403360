import { UserError } from '../lib/errors.ts'
import { containersOf, ofInstance } from './containers.ts'
import { type Host, instanceOn, serviceOf } from './host.ts'
import { goBack, journal } from './journal.ts'
import { repositoriesOf } from './promote.ts'
import { readRelease, recordedRepositories, type Release } from './release.ts'

export interface Rollback {
  readonly from: Release | null
  readonly to: Release
}

/** Production returns to `:prev`, with its own declaration; `:prev` becomes what it left, so that a second one returns. */
export async function rollback(host: Host, name: string): Promise<Rollback> {
  // The compose file may be what is broken: what was released knows its images itself.
  const repositories = recordedRepositories(host, name) ?? (await repositoriesOf(host, serviceOf(host, name)))
  const to = await readRelease(host, name, repositories, 'prev')
  if (to === null) {
    throw new UserError(`cannot roll '${name}' back: nothing ran before what is live`, {
      hint: 'there is something to return to from the second promotion on',
    })
  }
  const from = await readRelease(host, name, repositories, 'live')
  const isOurs = ofInstance(instanceOn(host, name, 'prod'))
  // One that died is to run again, too.
  const wasUp = (await containersOf(host, isOurs)).length > 0
  journal.write(host, name, { phase: 'back', repositories, live: to, prev: from, wasUp })
  await goBack(host, name)
  return { from, to }
}
