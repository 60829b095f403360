import type { Severity } from '../../protocol/findings.ts'
import { noticeSeverity, noticeText, noticeTitle } from './notice.ts'
import { defineNotifier } from './notifier.ts'
import { post } from './post.ts'

const MAX_TEXT_LENGTH = 2900

const COLOURS: Record<Severity, string> = {
  info: '#7a8694',
  low: '#7a8694',
  medium: '#b58900',
  high: '#cb4b16',
  critical: '#c4232b',
}

export const slack = defineNotifier({
  summary: "an incoming webhook in Slack's form, which Mattermost, Rocket.Chat and others take too",
  fields: {
    url: { type: 'secret', required: true, help: 'the incoming webhook; whoever knows it can post' },
  },
  followsState: false,
  async send({ url }, notice, signal) {
    const body = {
      text: escaped(noticeTitle(notice)),
      attachments: [
        {
          color: COLOURS[noticeSeverity(notice)],
          fallback: escaped(noticeTitle(notice)),
          // No mark-up: a container's file name must not become a link or a mention.
          mrkdwn_in: [],
          text: escaped(noticeText(notice).slice(0, MAX_TEXT_LENGTH)),
        },
      ],
    }
    await post(url, JSON.stringify(body), { 'content-type': 'application/json' }, signal)
  },
})

/** Slack reads `<!channel>` and `<https://…|text>`; these three are all that it asks to be escaped. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
