import { HttpError } from '../exchange.ts'
import type { Action } from './route.ts'

export interface Tested {
  readonly version: 1
  readonly channel: string
  readonly ok: boolean
  /** One sentence; null when it was delivered. */
  readonly error: string | null
}

export const testChannel: Action = {
  kind: 'action',
  page: '/channels/:name/test',
  api: '/channels/:name/test',
  right: 'act',
  summary: 'Send a test by one channel, now',
  fields: {},
  schema: 'Tested',
  async act({ channels, deliverer, live }, params): Promise<Tested> {
    const channel = channels.find(({ name }) => name === params['name'])
    if (channel === undefined) {
      throw new HttpError(404, `there is no channel ${params['name'] ?? ''} in watch.yaml`)
    }
    const error = await deliverer.test(channel).then(
      () => null,
      (reason: unknown) => (reason instanceof Error ? reason.message : String(reason)),
    )
    live.changed()
    return { version: 1, channel: channel.name, ok: error === null, error }
  },
  next: () => '/system',
}
