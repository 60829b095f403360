import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Severity } from '../../protocol/findings.ts'
import { type Notice, noticeSeverity, type NoticeItem, noticeTitle } from './notice.ts'
import { defineNotifier } from './notifier.ts'

/** RFC 5424, 6.2.1. */
const SEVERITY_CODES: Record<Severity, number> = { info: 6, low: 5, medium: 4, high: 3, critical: 2 }
/** "log audit". */
const FACILITY = 13
/** What every receiver takes (RFC 5426, 3.2, says 2048 by UDP should be). */
const MAX_MESSAGE_BYTES = 2048

export const syslog = defineNotifier({
  summary: 'a line of syslog (RFC 5424) for each alert, by UDP, TCP or TLS',
  fields: {
    host: { type: 'text', required: true, help: 'the receiver' },
    port: { type: 'number', required: false, help: '514 when absent, 6514 with TLS' },
    protocol: {
      type: 'text',
      required: false,
      values: ['udp', 'tcp', 'tls'],
      help: '`udp` when absent: nobody says whether it arrived',
    },
  },
  followsState: true,
  async send({ host, protocol = 'udp', port = protocol === 'tls' ? 6514 : 514 }, notice, signal) {
    const messages = syslogMessages(notice)
    if (protocol === 'udp') await sendDatagrams(host, port, messages)
    else await sendStream(protocol, host, port, messages, signal)
  },
})

/** One message for each alert; the octets of RFC 5424. */
export function syslogMessages(notice: Notice): Buffer[] {
  const lines = notice.test
    ? [line(notice, 'info', 'test', '-', noticeTitle(notice))]
    : notice.items.map((item) => itemLine(notice, item))
  if (notice.more > 0) {
    lines.push(line(notice, noticeSeverity(notice), 'digest', '-', `and ${notice.more} more alerts`))
  }
  return lines.map((text) => Buffer.from(text).subarray(0, MAX_MESSAGE_BYTES))
}

function itemLine(notice: Notice, { event, alert }: NoticeItem): string {
  // 32473 is the enterprise number that RFC 5612 keeps for documentation and private use.
  const data = Object.entries({
    id: alert.id,
    event,
    state: alert.state,
    severity: alert.severity,
    container: alert.container ?? '',
    count: String(alert.count),
    journal: notice.journal,
  }).map(([name, value]) => `${name}="${parameter(value)}"`)
  const text = `${alert.container ?? 'host'}: ${alert.summary}`
  return line(notice, alert.severity, event, `[paddock@32473 ${data.join(' ')}]`, text)
}

function line(notice: Notice, severity: Severity, id: string, data: string, text: string): string {
  const priority = FACILITY * 8 + SEVERITY_CODES[severity]
  const host = notice.host.replace(/[^\x21-\x7e]/g, '?').slice(0, 255) || '-'
  // A byte order mark says that the text is UTF-8 (6.4).
  return `<${priority}>1 ${notice.at} ${host} paddock - ${id} ${data} \ufeff${text}`
}

/** RFC 5424, 6.3.3: these three are escaped. Line ends never get here unescaped, but a name is not to be trusted. */
function parameter(value: string): string {
  return value.replace(/["\\\]]/g, '\\$&').replace(/[\r\n]/g, ' ')
}

async function sendDatagrams(host: string, port: number, messages: readonly Buffer[]): Promise<void> {
  const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4' })
  try {
    for (const message of messages) {
      await new Promise<void>((resolve, reject) => {
        socket.send(message, port, host, (error) => {
          if (error === null) resolve()
          else reject(new Error(`the syslog receiver ${host}:${port} cannot be reached: ${error.message}`))
        })
      })
    }
  } finally {
    socket.close()
  }
}

/** Octet counting (RFC 6587, 3.4.1): each message after its length. */
async function sendStream(
  protocol: 'tcp' | 'tls',
  host: string,
  port: number,
  messages: readonly Buffer[],
  signal: AbortSignal,
): Promise<void> {
  const socket = protocol === 'tls' ? connectTls({ host, port, servername: host }) : connect({ host, port })
  try {
    await once(socket, protocol === 'tls' ? 'secureConnect' : 'connect', { signal })
    const frames = messages.flatMap((message) => [Buffer.from(`${message.length} `), message])
    socket.end(Buffer.concat(frames))
    socket.resume()
    // The other side closes after it has read to the end; an error before that is one of delivery.
    await once(socket, 'close', { signal })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`the syslog receiver ${host}:${port} did not take it: ${reason}`, { cause: error })
  } finally {
    socket.destroy()
  }
}
