import type { Notice } from './notice.ts'
import { defineNotifier } from './notifier.ts'
import { post } from './post.ts'

/** Alertmanager drops what it does not hear of before this; `still-open` renews it. */
const ALERTMANAGER_LIFE_MS = 3 * 3_600_000

export const alertmanager = defineNotifier({
  summary: "Prometheus's Alertmanager, API v2: routing, silences and receivers that you have already",
  fields: {
    url: { type: 'url', required: true, help: 'the server, http://127.0.0.1:9093' },
    username: { type: 'text', required: false, help: 'for basic authentication' },
    password: { type: 'secret', required: false, help: 'for basic authentication' },
  },
  followsState: true,
  renewMs: ALERTMANAGER_LIFE_MS / 3,
  async send({ url, username, password }, notice, signal) {
    const headers: Record<string, string> = { 'content-type': 'application/json' }
    if (username !== undefined) {
      headers['authorization'] = `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}`
    }
    const target = new URL('api/v2/alerts', url.endsWith('/') ? url : `${url}/`)
    await post(target.href, JSON.stringify(asAlerts(notice)), headers, signal)
  },
})

function asAlerts(notice: Notice): object[] {
  const at = Date.parse(notice.at)
  if (notice.test) {
    return [
      {
        labels: { alertname: 'PaddockTest', severity: 'info', host: notice.host },
        annotations: { summary: 'A test that somebody asked for; nothing happened' },
        startsAt: notice.at,
        endsAt: new Date(at + 60_000).toISOString(),
      },
    ]
  }
  return notice.items.map(({ alert }) => ({
    // Labels are the identity: nothing in them may change while the alert lives, so severity is one that grows
    // a second alert. It routes, and that is what people expect of it.
    labels: {
      alertname: 'PaddockAlert',
      alert_id: alert.id,
      severity: alert.severity,
      container: alert.container ?? '',
      host: notice.host,
    },
    annotations: {
      summary: alert.summary,
      count: String(alert.count),
      ...(alert.acknowledged === null
        ? {}
        : { acknowledged: `${alert.acknowledged.by}: ${alert.acknowledged.reason}` }),
    },
    startsAt: alert.firstAt,
    endsAt: alert.state === 'open' ? new Date(at + ALERTMANAGER_LIFE_MS).toISOString() : notice.at,
    ...(notice.pageUrl === null ? {} : { generatorURL: `${notice.pageUrl}alerts/${alert.id}` }),
  }))
}
