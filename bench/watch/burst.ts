import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ContainerRef } from '../../src/protocol/findings.ts'
import { type NewFinding, Producer } from '../../test/watch/producer.ts'
import { table } from '../section.ts'
import { benchFolders, median, memoryMiB, startProgram } from './process.ts'

const FINDINGS = 10_000
const BATCH = 500

/** What a burst looks like: one process that unpacks a tree, or many containers with something else each. */
const bursts = {
  'one process of one container: one alert': (index: number) => findingOf('web', 'unpack', index),
  '100 containers, each a process: 100 alerts': (index: number) =>
    findingOf(`c${index % 100}`, `unpack ${index % 100}`, index),
  '400 containers, each finding by itself': (index: number) =>
    findingOf(`c${index % 400}`, `of its own ${index}`, index),
} as const

/** How long it takes until all of a burst is committed, and whether each is there; beside it SQLite alone. */
export async function burst(rounds: number): Promise<string> {
  const rows: string[][] = []
  for (const [name, make] of Object.entries(bursts)) {
    const findings = Array.from({ length: FINDINGS }, (_, index) => make(index))
    const runs: Awaited<ReturnType<typeof storedByWatch>>[] = []
    const bare: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      runs.push(await storedByWatch(findings))
      bare.push(storedBySqlite(findings))
    }
    const [watchMs, sqliteMs] = [median(runs.map(({ ms }) => ms)), median(bare)]
    rows.push([
      name,
      `${(watchMs / 1000).toFixed(2)} s`,
      String(Math.max(...runs.map(({ lost }) => lost))),
      `${Math.round(sqliteMs)} ms`,
      (watchMs / sqliteMs).toFixed(1),
      `${Math.max(...runs.map(({ peak }) => peak))} MiB`,
    ])
  }
  const head = ['burst', 'stored in (aim: 5 s)', 'lost', 'SQLite alone', 'ratio', 'peak memory']
  return [
    `${FINDINGS.toLocaleString('en')} findings at once over the sensor's socket, until the last is acknowledged, that is committed and synced`,
    `(medians of ${rounds}). SQLite alone: the same lines in transactions of ${BATCH} into one table of the same database settings.\n`,
    table(head, rows),
  ].join('\n')
}

async function storedByWatch(
  findings: readonly NewFinding[],
): Promise<{ ms: number; lost: number; peak: number }> {
  const folders = benchFolders()
  await using producer = await new Producer(folders.run).listen()
  let ms = 0
  let peak = 0
  {
    await using watch = await startProgram(['watch.js'], folders)
    while (!producer.asked.includes('subscribe')) await sleep(5)
    const start = performance.now()
    producer.emit(...findings)
    while (producer.acked < findings.length) await sleep(1)
    ms = performance.now() - start
    ;({ peak } = memoryMiB(watch.pid))
  }
  const database = new DatabaseSync(join(folders.state, 'watch/alerts.db'), { readOnly: true })
  const stored = database.prepare('SELECT count(DISTINCT number) AS n FROM findings').get()
  const counted = database.prepare('SELECT sum(findings) AS n FROM alerts').get()
  database.close()
  if (counted?.['n'] !== stored?.['n']) throw new Error('the alerts do not count what is stored')
  return { ms, peak, lost: findings.length - Number(stored?.['n']) }
}

function storedBySqlite(findings: readonly NewFinding[]): number {
  const { folder } = benchFolders()
  mkdirSync(join(folder, 'bare'))
  const database = new DatabaseSync(join(folder, 'bare/bare.db'))
  database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  database.exec('CREATE TABLE findings (seq INTEGER PRIMARY KEY, line TEXT NOT NULL) STRICT')
  const insert = database.prepare('INSERT INTO findings (line) VALUES (?)')
  const start = performance.now()
  for (let index = 0; index < findings.length; index += BATCH) {
    database.exec('BEGIN')
    for (const finding of findings.slice(index, index + BATCH)) insert.run(JSON.stringify(finding))
    database.exec('COMMIT')
  }
  const ms = performance.now() - start
  database.close()
  return ms
}

export function containerOf(name: string): ContainerRef {
  const id = Buffer.from(name).toString('hex').padEnd(64, '0').slice(0, 64)
  return { id, name, image: `herd/${name}:live`, engine: 'docker' }
}

export function findingOf(container: string, group: string, index: number): NewFinding {
  const pid = 1000 + Number(/\d+$/.exec(group)?.[0] ?? 0)
  return {
    kind: 'change',
    source: 'fanotify',
    severity: index % 5 === 0 ? 'high' : 'medium',
    reasons: ['executable'],
    summary: `a new program /srv/app/lib/part-${index}`,
    container: containerOf(container),
    group: `${container} ${group}`,
    count: 1,
    path: { path: `/srv/app/lib/part-${index}` },
    change: {
      kind: 'added',
      type: 'file',
      now: { mode: '100755', uid: 0, gid: 0, size: 4096, sha256: index.toString(16).padStart(64, '0') },
      was: null,
    },
    processes: [
      {
        pid,
        startTicks: pid * 10,
        parentPid: 1,
        command: 'tar',
        exe: { path: '/bin/tar' },
        argv: ['tar', 'x'],
        uid: 0,
        uidInside: 0,
      },
      {
        pid: 1,
        startTicks: 10,
        parentPid: 0,
        command: 'init',
        exe: { path: '/sbin/init' },
        argv: ['init'],
        uid: 0,
        uidInside: 0,
      },
    ],
  }
}
