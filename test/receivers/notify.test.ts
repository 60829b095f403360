import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Alert } from '../../src/alerts/alert.ts'
import { notifierKinds } from '../../src/alerts/notify/kinds.ts'
import type { Notice } from '../../src/alerts/notify/notice.ts'
import { eventually, programs, rsyslogModules, startAlertmanager, startProgram } from './programs.ts'
import { freePort } from '../../src/cli/demo/free-port.ts'

const folder = mkdtempSync(join(tmpdir(), 'paddock-notify-'))
after(() => rmSync(folder, { recursive: true }))

/** What an intruder can put into an alert: through the summary, already escaped for a terminal. */
const hostile = '<!channel> <script>alert(1)</script> "]] \\r\\nBcc: x@example.org %0d *bold* 日本'

const alert: Alert = {
  id: '7',
  state: 'open',
  severity: 'critical',
  summary: `a shell by \`docker exec\` wrote a new program /tmp/${hostile}`,
  container: 'web',
  firstAt: '2026-11-24T08:00:00.000Z',
  lastAt: '2026-11-24T08:00:05.000Z',
  count: 3,
  causePresent: true,
  findings: 3,
  suppressed: 0,
  containerId: 'a'.repeat(64),
  image: 'herd/web:live',
  engine: 'docker',
  reasons: ['executable'],
  previous: '3',
  maintenance: null,
  acknowledged: null,
}

function notice(change: Partial<Notice> = {}): Notice {
  return {
    deliveries: [41],
    at: new Date().toISOString(),
    host: 'host.example.org',
    test: false,
    items: [{ event: 'opened', alert }],
    more: 0,
    pageUrl: 'https://watch.example.org/',
    journal: `12:${'ab'.repeat(32)}`,
    ...change,
  }
}

function send(kind: string, settings: Record<string, unknown>, told: Notice = notice()): Promise<void> {
  const notifier = notifierKinds[kind]
  assert.ok(notifier)
  return notifier.send(settings, told, AbortSignal.timeout(20_000))
}

interface Received {
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** An HTTP receiver on loopback that answers `status`. */
async function httpReceiver(status: number) {
  const received: Received[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      received.push({ url: request.url ?? '', headers: request.headers, body })
      response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end('ok')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  after(() => server.close())
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  return { url: `http://127.0.0.1:${address.port}`, received }
}

test('a webhook gets JSON whose signature a receiver can check', async () => {
  const { url, received } = await httpReceiver(204)
  await send('webhook', { url: `${url}/hook`, secret: 'shared', token: 'bearer' })
  const [request] = received
  assert.ok(request)
  const [, seconds = '', signature] =
    /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(request.headers['x-paddock-signature'])) ?? []
  assert.equal(createHmac('sha256', 'shared').update(`${seconds}.${request.body}`).digest('hex'), signature)
  assert.ok(Math.abs(Number(seconds) - Date.now() / 1000) < 60)
  assert.deepEqual(
    [request.headers.authorization, request.headers['x-paddock-delivery']],
    ['Bearer bearer', '41'],
  )
  const body = JSON.parse(request.body) as { version: number; severity: string; items: { alert: Alert }[] }
  assert.deepEqual([body.version, body.severity, body.items[0]?.alert.id], [1, 'critical', '7'])
})

for (const [kind, settings] of [
  ['webhook', { url: '' }],
  ['slack', { url: '' }],
  ['ntfy', { url: '', topic: 't' }],
  ['alertmanager', { url: '' }],
] as const) {
  test(`${kind}: an answer that is not 2xx, a redirect and a closed port are failures that do not tell the secret path`, async () => {
    for (const status of [302, 404, 500]) {
      const { url } = await httpReceiver(status)
      await assert.rejects(send(kind, { ...settings, url: `${url}/s3cret` }), (error: Error) => {
        assert.match(error.message, new RegExp(`answered ${status}`))
        assert.doesNotMatch(error.message, /s3cret/)
        return true
      })
    }
    const closed = `http://127.0.0.1:${await freePort()}/s3cret`
    await assert.rejects(send(kind, { ...settings, url: closed }), /cannot be reached: ECONNREFUSED$/)
  })
}

test('in Slack, what a container is called neither calls people nor becomes mark-up', async () => {
  const { url, received } = await httpReceiver(200)
  await send('slack', { url: `${url}/services/T/B/x` })
  const body = JSON.parse(received[0]?.body ?? '') as {
    text: string
    attachments: { color: string; text: string; mrkdwn_in: string[] }[]
  }
  for (const text of [body.text, body.attachments[0]?.text ?? '']) {
    assert.match(text, /&lt;!channel&gt; &lt;script&gt;/)
    assert.doesNotMatch(text, /[<>]/)
  }
  assert.deepEqual(body.attachments[0]?.mrkdwn_in, [])
})

test('ntfy gets title, text, priority and a link, and long texts cut at a whole character', async () => {
  const { url, received } = await httpReceiver(200)
  const long = { ...alert, summary: '日'.repeat(5000) }
  await send(
    'ntfy',
    { url, topic: 'alerts', token: 'tk_x' },
    notice({ items: [{ event: 'worse', alert: long }] }),
  )
  const [request] = received
  const body = JSON.parse(request?.body ?? '') as Record<string, unknown>
  assert.deepEqual([request?.url, request?.headers.authorization], ['/', 'Bearer tk_x'])
  assert.deepEqual(
    [body['topic'], body['priority'], body['click']],
    ['alerts', 5, 'https://watch.example.org/'],
  )
  assert.ok(Buffer.byteLength(String(body['message'])) <= 3500)
  assert.doesNotMatch(String(body['message']), /\uFFFD/)
})

test('a mail server takes the mail, in the clear only where told so, and no name adds a header', async () => {
  const port = await freePort()
  const box = join(folder, 'mail')
  for (const name of ['new', 'cur', 'tmp']) mkdirSync(join(box, name), { recursive: true })
  startProgram('/usr/bin/python3', [
    '-m',
    'aiosmtpd',
    '-n',
    '-l',
    `127.0.0.1:${port}`,
    '-c',
    'aiosmtpd.handlers.Mailbox',
    box,
  ])
  const settings = {
    host: '127.0.0.1',
    port,
    from: 'paddock@host.example.org',
    to: ['ops@example.org', 'b@example.org'],
  }
  await eventually(() => send('mail', { ...settings, tls: 'none' }))
  const [file = '', ...others] = readdirSync(join(box, 'new'))
  assert.equal(others.length, 0)
  const raw = readFileSync(join(box, 'new', file), 'utf8')
  // Python's own parser reads it, so that encodings are judged by another than who made them.
  const read =
    'import email,email.policy,json,sys; m=email.message_from_file(sys.stdin,policy=email.policy.default); print(json.dumps({"keys":m.keys(),"subject":m["subject"],"to":m["to"],"text":m.get_content(),"type":m.get_content_type()}))'
  const parsed = JSON.parse(
    execFileSync('/usr/bin/python3', ['-c', read], { input: raw, encoding: 'utf8' }),
  ) as { keys: string[]; subject: string; to: string; text: string; type: string }
  assert.match(parsed.subject, /^\[critical\] web: a shell by `docker exec` wrote a new program/)
  assert.ok(!parsed.keys.some((key) => key.toLowerCase() === 'bcc'))
  assert.deepEqual([parsed.to, parsed.type], ['ops@example.org, b@example.org', 'text/plain'])
  assert.match(parsed.text, /日本\nAlert 7, new, 3 times from 2026-11-24T08:00:00.000Z/)
  assert.match(parsed.text, /It came back: alert 3/)
  assert.match(parsed.text, /https:\/\/watch.example.org\/alerts\/7/)
  await assert.rejects(send('mail', settings), /did not take it/)
  assert.equal(readdirSync(join(box, 'new')).length, 1)
})

test('Alertmanager itself shows the alert, and it goes when it is acknowledged', async () => {
  const port = await freePort()
  writeFileSync(
    join(folder, 'alertmanager.yml'),
    'route: { receiver: none }\nreceivers: [ { name: none } ]\n',
  )
  startAlertmanager([
    `--config.file=${folder}/alertmanager.yml`,
    `--storage.path=${folder}/alertmanager`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--cluster.listen-address=',
  ])
  const url = `http://127.0.0.1:${port}`
  await eventually(() => send('alertmanager', { url }))
  const active = async () =>
    (await (await fetch(`${url}/api/v2/alerts?active=true`)).json()) as {
      labels: Record<string, string>
      annotations: Record<string, string>
      generatorURL: string
    }[]
  const [shown] = await eventually(async () => {
    const alerts = await active()
    assert.equal(alerts.length, 1)
    return alerts
  })
  assert.deepEqual(shown?.labels, {
    alertname: 'PaddockAlert',
    alert_id: '7',
    severity: 'critical',
    container: 'web',
    host: 'host.example.org',
  })
  assert.equal(shown.annotations['summary'], alert.summary)
  assert.equal(shown.generatorURL, 'https://watch.example.org/alerts/7')
  const acknowledged = { at: alert.lastAt, by: 'alice', reason: 'a deployment' }
  await send(
    'alertmanager',
    { url },
    notice({
      items: [{ event: 'acknowledged', alert: { ...alert, state: 'acknowledged', acknowledged } }],
    }),
  )
  await eventually(async () => assert.deepEqual(await active(), []))
})

test('rsyslog parses what it gets by UDP and TCP as RFC 5424', async () => {
  const [udp, tcp] = [await freePort(), await freePort()]
  const log = join(folder, 'syslog.json')
  writeFileSync(
    join(folder, 'rsyslog.conf'),
    `module(load="imudp")
input(type="imudp" port="${udp}" address="127.0.0.1")
module(load="imtcp")
input(type="imtcp" port="${tcp}" address="127.0.0.1")
module(load="mmpstrucdata")
action(type="mmpstrucdata")
template(name="json" type="string" string="%jsonmesg%\\n")
action(type="omfile" file="${log}" template="json")
`,
  )
  startProgram(programs.rsyslogd, [
    '-n',
    '-f',
    join(folder, 'rsyslog.conf'),
    '-i',
    join(folder, 'rsyslog.pid'),
    '-M',
    rsyslogModules,
  ])
  const messages = () =>
    readFileSync(log, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  await eventually(() => send('syslog', { host: '127.0.0.1', port: tcp, protocol: 'tcp' }))
  await eventually(() => assert.equal(messages().length, 1))
  await send('syslog', { host: '127.0.0.1', port: udp })
  await eventually(() => assert.equal(messages().length, 2))
  for (const message of messages()) {
    assert.deepEqual(
      [message['pri-text'], message['pri'], message['app-name'], message['hostname'], message['msgid']],
      [message['pri-text'], '106', 'paddock', 'host.example.org', 'opened'],
    )
    assert.match(String(message['msg']), /web: a shell by `docker exec` wrote a new program .*日本$/)
    const data = (message['$!'] as { 'rfc5424-sd': Record<string, Record<string, string>> })['rfc5424-sd']
    assert.deepEqual(
      [
        data['paddock@32473']?.['id'],
        data['paddock@32473']?.['severity'],
        data['paddock@32473']?.['container'],
      ],
      ['7', 'critical', 'web'],
    )
  }
  await assert.rejects(
    send('syslog', { host: '127.0.0.1', port: await freePort(), protocol: 'tcp' }),
    /did not take it: .*ECONNREFUSED/,
  )
})

test('each kind tells of a test as what it is', async () => {
  const { url, received } = await httpReceiver(200)
  const told = notice({ test: true, items: [], deliveries: [] })
  await send('webhook', { url }, told)
  await send('slack', { url }, told)
  await send('ntfy', { url, topic: 't' }, told)
  await send('alertmanager', { url }, told)
  assert.equal(received.length, 4)
  for (const { body } of received) assert.match(body, /[Tt]est/)
})
