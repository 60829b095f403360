import { noticeText, noticeTitle } from './notice.ts'
import { defineNotifier } from './notifier.ts'

const MAX_SUBJECT_LENGTH = 200

export const mail = defineNotifier({
  summary: 'mail by SMTP',
  fields: {
    host: { type: 'text', required: true, help: 'the mail server' },
    port: { type: 'number', required: false, help: '587 when absent; 465 speaks TLS from the start' },
    from: { type: 'text', required: true, help: 'the sender' },
    to: { type: 'texts', required: true, help: 'one or several addresses' },
    username: { type: 'text', required: false, help: 'where the server asks for one' },
    password: { type: 'secret', required: false, help: 'where the server asks for one' },
    tls: {
      type: 'text',
      required: false,
      values: ['required', 'none'],
      help: '`required` (when absent): STARTTLS or nothing; `none`: in the clear, for a server on this host',
    },
  },
  followsState: false,
  async send({ host, port = 587, from, to, username, password, tls = 'required' }, notice, signal) {
    const { createTransport } = await import('nodemailer')
    const transport = createTransport({
      host,
      port,
      secure: port === 465,
      requireTLS: tls === 'required' && port !== 465,
      ignoreTLS: tls === 'none',
      connectionTimeout: 10_000,
      greetingTimeout: 10_000,
      socketTimeout: 20_000,
      disableFileAccess: true,
      disableUrlAccess: true,
      ...(username === undefined ? {} : { auth: { user: username, pass: password ?? '' } }),
    })
    const abort = () => {
      transport.close()
    }
    signal.addEventListener('abort', abort)
    try {
      await transport.sendMail({
        from,
        to: [...to],
        subject: noticeTitle(notice).slice(0, MAX_SUBJECT_LENGTH),
        text: noticeText(notice),
        // The same when sent again, so that the second is recognised.
        messageId: `<paddock-${notice.deliveries.join('-').slice(0, 100)}-${notice.journal.slice(-16)}@${notice.host}>`,
        headers: { 'Auto-Submitted': 'auto-generated', 'X-Paddock-Journal': notice.journal },
      })
    } catch (error) {
      throw new Error(`the mail server ${host}:${port} did not take it: ${firstLine(error)}`, {
        cause: error,
      })
    } finally {
      signal.removeEventListener('abort', abort)
      transport.close()
    }
  },
})

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? ''
}
