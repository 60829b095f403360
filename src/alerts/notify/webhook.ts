import { createHmac } from 'node:crypto'
import { noticeSeverity, noticeText, noticeTitle } from './notice.ts'
import { defineNotifier } from './notifier.ts'
import { post } from './post.ts'

/**
 * `X-Paddock-Signature: t=SECONDS,v1=HEX`: HMAC-SHA256 with the secret over `SECONDS.BODY`, so that a receiver can
 * refuse what is forged or old.
 */
export const webhook = defineNotifier({
  summary: 'JSON by HTTP POST, signed, to a program of yours',
  fields: {
    url: { type: 'url', required: true, help: 'where to post' },
    secret: { type: 'secret', required: false, help: 'signs each request (X-Paddock-Signature)' },
    token: { type: 'secret', required: false, help: 'sent as Authorization: Bearer' },
  },
  followsState: true,
  async send({ url, secret, token }, notice, signal) {
    const body = JSON.stringify({
      version: 1,
      ...notice,
      title: noticeTitle(notice),
      text: noticeText(notice),
      severity: noticeSeverity(notice),
    })
    const headers: Record<string, string> = {
      'content-type': 'application/json',
      'user-agent': 'paddock',
      'x-paddock-delivery': notice.deliveries.join(','),
    }
    if (secret !== undefined) headers['x-paddock-signature'] = signature(secret, body, Date.now())
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`
    await post(url, body, headers, signal)
  },
})

export function signature(secret: string, body: string, now: number): string {
  const seconds = Math.floor(now / 1000)
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`
}
