import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openEngine } from './client.ts'
import { engine, failure, floods, raw, type Reply, version } from './hostile-engine.fixture.ts'

describe('events', () => {
  const line = (action: string) =>
    `${JSON.stringify({ Type: 'container', Action: action, timeNano: 1, Actor: { ID: 'x' } })}\n`

  async function follow(reply: Reply): Promise<{ actions: string[]; message: string }> {
    const path = await engine({ '/version': version('1.41'), '/events': reply })
    const actions: string[] = []
    const message = await failure(
      (async () => {
        for await (const event of (await openEngine(path)).events(AbortSignal.timeout(20_000)))
          actions.push(event.action)
      })(),
    )
    return {
      actions,
      message: message.replace(/^cannot follow the events of the engine at unix:\/\/DIR\/SOCK: /, ''),
    }
  }

  test('lines split anywhere, and many in one piece', async () => {
    const text = Buffer.from(line('größe') + line('b') + line('c'))
    const { actions, message } = await follow((connection) => {
      connection.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
      for (const byte of text.subarray(0, 80))
        connection.write(Buffer.concat([Buffer.from('1\r\n'), Buffer.from([byte]), Buffer.from('\r\n')]))
      const rest = text.subarray(80)
      connection.end(
        Buffer.concat([Buffer.from(`${rest.length.toString(16)}\r\n`), rest, Buffer.from('\r\n0\r\n\r\n')]),
      )
    })
    assert.deepEqual(actions, ['größe', 'b', 'c'])
    assert.equal(message, 'it broke the connection off half-way')
  })

  test('a line that is not JSON', async () => {
    const { actions, message } = await follow(raw(`HTTP/1.1 200 OK\r\n\r\n${line('a')}{"Type"\n`))
    assert.deepEqual([actions, message], [['a'], 'it answers garbage: an event is not JSON'])
  })

  test('a line without end', async () => {
    assert.deepEqual(await follow(floods), {
      actions: [],
      message: 'it answers garbage: an event is longer than 16 MiB',
    })
  })

  test('a connection that is cut', async () => {
    const { actions, message } = await follow((connection) => {
      connection.write(
        `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${line('a').length.toString(16)}\r\n${line('a')}\r\n`,
      )
      setTimeout(() => connection.destroy(), 50)
    })
    assert.deepEqual([actions, message], [['a'], 'it broke the connection off half-way'])
  })

  test('the signal ends it, before an answer and after', async () => {
    for (const reply of [() => undefined, raw(`HTTP/1.1 200 OK\r\n\r\n${line('a')}`)] satisfies Reply[]) {
      const path = await engine({ '/version': version('1.41'), '/events': reply })
      const seen: string[] = []
      for await (const event of (await openEngine(path)).events(AbortSignal.timeout(200)))
        seen.push(event.action)
      assert.ok(seen.length <= 1)
    }
  })
})
