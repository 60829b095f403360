import { once } from 'node:events'
import { watch as watchFolder, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { testEngine } from '../../test/engine/harness.ts'
import { table } from '../section.ts'
import { benchFolders, median, memoryMiB, type Running, startProgram } from './process.ts'

/** One change each: when it was made, by the file's own time, and when who saw it; milliseconds since the epoch. */
interface Sample {
  madeAt: number
  inotify: number
  page: number
  notified: number
}

/** The first notice goes out at once and what comes within two seconds after it together: those would be measured. */
const APART_MS = 2300
const PATIENCE_MS = 20_000

const now = () => performance.timeOrigin + performance.now()

/**
 * From the change in a container of a real engine to the page and to the first notifier: sensor, spool, socket, watch
 * and SQLite in between, as installed. Beside it a bare inotify watch by Node on that very folder.
 */
export async function latency(count: number): Promise<string> {
  const engine = await testEngine('docker')
  const container = await engine.run({ name: 'told' })
  await container.exec('mkdir', '/told')
  const upper = await engine.cli('inspect', '-f', '{{.GraphDriver.Data.UpperDir}}', container.id)
  const samples = new Map<string, Sample>()
  const see = (what: keyof Omit<Sample, 'madeAt'>, text: string) => {
    for (const [name, sample] of samples)
      if (Number.isNaN(sample[what]) && text.includes(name)) sample[what] = now()
  }

  const bare = watchFolder(join(upper, 'told'), (_, name) => {
    const sample = samples.get(name ?? '')
    if (name === null || sample === undefined || !Number.isNaN(sample.inotify)) return
    sample.inotify = now()
    sample.madeAt = Number(statSync(join(upper, 'told', name), { bigint: true }).mtimeNs) / 1e6
  })
  const receiver = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      see('notified', body)
      response.end()
    })
  }).listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  const { port } = receiver.address() as AddressInfo
  const folders = benchFolders(`notify: [{ name: bench, type: webhook, url: 'http://127.0.0.1:${port}/' }]\n`)
  await using watch = await startProgram(['paddock.js', 'watch', '--engine', engine.address], folders)
  const page = openPage(watch, (text) => {
    see('page', text)
  })
  try {
    for (let index = 0; index < count; index += 1) {
      const name = `change-${String(index).padStart(3, '0')}-`
      samples.set(name, {
        madeAt: Number.NaN,
        inotify: Number.NaN,
        page: Number.NaN,
        notified: Number.NaN,
      })
      await container.exec('sh', '-c', `echo x > /told/${name}`)
      await arrived(
        () => ![samples.get(name)?.page, samples.get(name)?.notified].some((at) => !(Number(at) > 0)),
      )
      await acknowledgeAll(watch)
      await sleep(APART_MS)
    }
    return latencyTable([...samples.values()], watch)
  } finally {
    page.close()
    bare.close()
    receiver.close()
    receiver.closeAllConnections()
  }
}

/** What live.js does: at each word of a change it asks for the page again, one at a time. */
function openPage(watch: Running, onText: (text: string) => void): { close(): void } {
  const ending = new AbortController()
  const follow = async () => {
    const { body } = await watch.page('/events')
    if (body === null) throw new Error('the page cannot be live')
    let loading: Promise<void> | null = null
    let [told, shown] = [0, 0]
    const load = async () => {
      while (shown < told) {
        shown = told
        const answer = await watch.page('/alerts')
        onText(await answer.text())
      }
      loading = null
    }
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
      if (ending.signal.aborted) break
      if (!chunk.includes('event: changed')) continue
      told += 1
      loading ??= load()
    }
  }
  // It ends with the server's end of the stream.
  follow().catch((error: unknown) => {
    if (!ending.signal.aborted) throw error
  })
  return {
    close() {
      ending.abort()
    },
  }
}

/** The next change is news of its own then, as it is to who reads what comes. */
async function acknowledgeAll(watch: Running): Promise<void> {
  const { alerts } = await watch.api<{ alerts: { id: string }[] }>('/alerts')
  await watch.api('/alerts/acknowledge', { id: alerts.map(({ id }) => id), reason: 'seen' })
}

async function arrived(all: () => boolean): Promise<void> {
  const end = Date.now() + PATIENCE_MS
  while (!all()) {
    if (Date.now() > end) throw new Error('a change was not told')
    await sleep(5)
  }
}

function latencyTable(samples: readonly Sample[], { pid }: Running): string {
  const rows = (['inotify', 'page', 'notified'] as const).map((what) => {
    const times = samples.map((sample) => sample[what] - sample.madeAt)
    const ms = (value: number) => `${Math.round(value)} ms`
    const names = {
      inotify: 'a bare inotify watch by Node on that folder',
      page: 'the alert is on the page',
      notified: 'the alert is in the first notifier (webhook)',
    }
    const aim = what === 'inotify' ? '' : '≤ 200 ms'
    return [names[what], ms(median(times)), ms(Math.max(...times)), aim]
  })
  const head = ['from the change in the container until', 'median', 'worst', 'aim']
  const { resident } = memoryMiB(pid)
  return [
    `A file written in a container of a real Docker 20.10 by \`docker exec\` (${samples.length} times; the time of the change is the`,
    `file's own, which the kernel keeps to some 4 ms). Watch took ${resident} MiB at the end.\n`,
    table(head, rows),
  ].join('\n')
}
