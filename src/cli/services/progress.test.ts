import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import type { Io } from '../command.ts'
import { progressOn } from './progress.ts'

function told(
  terminal: { isTTY?: boolean; columns?: number; rows?: number },
  steps: readonly [string, string][],
): string {
  const stderr = Object.assign(new PassThrough(), terminal)
  const io: Io = {
    stdin: new PassThrough(),
    stdout: new PassThrough(),
    stderr,
    env: { NO_COLOR: '1' },
    signal: new AbortController().signal,
  }
  const tell = progressOn(io, false)
  for (const [service, what] of steps) tell(service, what)
  return ((stderr.read() as Buffer | null) ?? '').toString()
}

/** What a terminal shows in the end: as much of one as these lines use. */
function screen(written: string, columns: number): string[] {
  const rows = ['']
  let at = 0
  for (const [, move, count, clear, end, text] of written
    .matchAll(/\u001b\[(\d+)([AB])|(\u001b\[2K)|([\r\n])|([^\u001b\r\n]+)/g)
    .map((match) => [match[0], match[2], match[1], match[3], match[4], match[5]] as const)) {
    if (move === 'A') at -= Number(count)
    else if (move === 'B') at += Number(count)
    else if (clear !== undefined) rows[at] = ''
    else if (end === '\n') at++
    else if (text !== undefined) {
      assert.ok(text.length < columns, `'${text}' wraps`)
      rows[at] = text
    }
  }
  return rows.map((row) => row.replace(/ \d+\.\d s$/, ''))
}

test('a log gets a plain line for every step', () => {
  assert.equal(
    told({}, [
      ['web', 'starting'],
      ['api', 'starting'],
      ['web', 'healthy'],
    ]),
    'web: starting\napi: starting\nweb: healthy\n',
  )
})

test('a terminal gets a line a service, rewritten as it goes on, that never wraps', () => {
  const written = told({ isTTY: true, columns: 40 }, [
    ['web', 'starting'],
    ['api', `fetching ${'x'.repeat(100)}`],
    ['web', 'healthy'],
    ['api', 'healthy'],
    ['redis', 'starting'],
  ])
  assert.deepEqual(screen(written, 40), ['web: healthy', 'api: healthy', 'redis: starting'])
})

test('more services than the terminal has lines are not written over one another', () => {
  const names = Array.from({ length: 6 }, (_, index) => `s${index}`)
  const steps = names.flatMap((name): [string, string][] => [[name, 'starting']])
  const written = told({ isTTY: true, rows: 4 }, [...steps, ['s0', 'healthy']])
  const ups = [...written.matchAll(/\u001b\[(\d+)A/g)].map(([, up]) => Number(up))
  assert.deepEqual(ups, [])
  assert.match(written, /s0: healthy/)
})
