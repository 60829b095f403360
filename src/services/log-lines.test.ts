import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { LogLines } from './log-lines.ts'

async function through(
  chunks: readonly (string | Buffer)[],
  prefix: string,
  isEscaped: boolean,
): Promise<string> {
  const lines = new LogLines({ prefix, isEscaped })
  Readable.from(chunks.map((chunk) => Buffer.from(chunk))).pipe(lines)
  return (await buffer(lines)).toString('latin1')
}

test('lines are whole however they come, each with its name; the last need not end', async () => {
  assert.equal(
    await through(['on', 'e\n\ntwo\nthr', 'ee'], 'web | ', false),
    'web | one\nweb | \nweb | two\nweb | three\n',
  )
})

test('bytes stay as they are, or what a terminal would obey is escaped', async () => {
  const hostile = Buffer.from('\u001b[2J\xff\r\n', 'latin1')
  assert.equal(await through([hostile], '', false), '\u001b[2J\xff\r\n')
  assert.match(await through([hostile], '', true), /^\\x1b\[2J.*\\r\n$/)
})

test('a line that never ends does not gather', async () => {
  const out = await through(
    Array.from({ length: 5 }, () => 'x'.repeat(50_000)),
    '',
    false,
  )
  assert.deepEqual(
    out.split('\n').map(({ length }) => length),
    [65_536, 65_536, 65_536, 250_000 - 3 * 65_536, 0],
  )
})
