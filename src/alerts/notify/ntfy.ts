import type { Severity } from '../../protocol/findings.ts'
import { noticeSeverity, noticeText, noticeTitle } from './notice.ts'
import { defineNotifier } from './notifier.ts'
import { post } from './post.ts'

const PRIORITIES: Record<Severity, number> = { info: 1, low: 2, medium: 3, high: 4, critical: 5 }
/** ntfy turns longer messages into attachments. */
const MAX_MESSAGE_BYTES = 3500

export const ntfy = defineNotifier({
  summary: 'a push to telephones by ntfy, ntfy.sh or a server of your own',
  fields: {
    url: { type: 'url', required: true, help: 'the server, https://ntfy.sh' },
    topic: { type: 'secret', required: true, help: 'the topic; whoever knows it can read it' },
    token: { type: 'secret', required: false, help: 'an access token of the server' },
  },
  followsState: false,
  async send({ url, topic, token }, notice, signal) {
    // As JSON: in the form with headers, text beyond ASCII and line ends would need encodings of their own.
    const body = {
      topic,
      title: noticeTitle(notice).slice(0, 250),
      message: Buffer.from(noticeText(notice))
        .subarray(0, MAX_MESSAGE_BYTES)
        .toString()
        .replace(/\uFFFD$/u, ''),
      priority: PRIORITIES[noticeSeverity(notice)],
      tags: [noticeSeverity(notice)],
      ...(notice.pageUrl === null ? {} : { click: notice.pageUrl }),
    }
    const headers: Record<string, string> = { 'content-type': 'application/json' }
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`
    await post(url, JSON.stringify(body), headers, signal)
  },
})
