import type { Action } from './route.ts'

export interface SweepAnswer {
  readonly version: 1
  readonly queued: true
}

export const sweep: Action = {
  kind: 'action',
  page: '/sweep',
  api: '/sweep',
  right: 'act',
  summary: 'Have the sensor sweep all containers now',
  fields: {},
  schema: 'SweepAnswer',
  async act({ sensor }): Promise<SweepAnswer> {
    const { queued } = await sensor.ask('sweep', { container: null })
    return { version: 1, queued }
  },
  next: () => '/system',
}
