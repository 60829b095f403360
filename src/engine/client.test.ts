import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { openEngine } from './client.ts'
import { body, engine, failure, floods, folder, raw, type Reply, version } from './hostile-engine.fixture.ts'

const limits = { timeoutMs: 1000, maxBytes: 1024 * 1024 }

describe('an engine that misbehaves, in one sentence', () => {
  const cannot = 'cannot list the containers of the engine at unix://DIR/SOCK: '
  const cases: readonly (readonly [string, Reply, string])[] = [
    ['never answers', () => undefined, 'no whole answer within 1 s'],
    [
      'answers a byte at a time',
      (connection) => {
        connection.write('HTTP/1.1 200 OK\r\n\r\n[')
        const timer = setInterval(() => connection.write(' '), 50)
        connection.on('close', () => clearInterval(timer))
      },
      'no whole answer within 1 s',
    ],
    [
      'sends interim answers only',
      (connection) => {
        const timer = setInterval(() => connection.write('HTTP/1.1 102 Processing\r\n\r\n'), 20)
        connection.on('close', () => clearInterval(timer))
      },
      'no whole answer within 1 s',
    ],
    ['closes at once', (connection) => connection.end(), 'it broke the connection off half-way'],
    [
      'closes half-way',
      (connection) => connection.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[{'),
      'it broke the connection off half-way',
    ],
    [
      'breaks off a chunk',
      (connection) => connection.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n[{'),
      'it broke the connection off half-way',
    ],
    ['does not speak HTTP', raw('SSH-2.0-OpenSSH_9.2\r\n'), 'what it answers is not HTTP'],
    [
      'sends endless headers',
      (connection) => {
        connection.write('HTTP/1.1 200 OK\r\n')
        const more = () => {
          while (!connection.destroyed && connection.write(`X: ${'x'.repeat(8000)}\r\n`));
        }
        connection.on('drain', more)
        more()
      },
      'what it answers is not HTTP',
    ],
    [
      'switches protocols',
      raw('HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
      'what it answers is not HTTP',
    ],
    ['answers without end', floods, 'its answer is longer than 1 MiB'],
    [
      'redirects',
      body('', '301 Moved', 'Location: http://127.0.0.1/\r\n'),
      'it answers with a redirect (301)',
    ],
    ['refuses', body('{"message":"no\\nway"}', '403 Forbidden'), 'it answers 403: no\\nway'],
    ['refuses without JSON', body('<html>', '500 Oops'), 'it answers 500: <html>'],
    ['refuses without a word', body('', '503 Busy'), 'it answers 503: without a reason'],
    ['answers no JSON', body('[{"Id":'), 'it answers garbage: the answer is not JSON'],
    ['answers bytes', body('\x00\xff\xfe'), 'it answers garbage: the answer is not JSON'],
    ['answers another shape', body('{"Id":5}'), 'it answers garbage: the answer is not a list'],
    ['answers a wrong type', body('[{"Id":5}]'), 'it answers garbage: [0].Id is not a string'],
    ['nests a million deep', body('['.repeat(1e6)), 'it answers garbage: the answer is not JSON'],
  ]
  for (const [name, reply, expected] of cases) {
    test(name, async () => {
      const path = await engine({ '/version': version('1.41'), '/containers': reply })
      const message = await failure((await openEngine(path, { limits })).containers({ all: true }))
      assert.equal(message, cannot + expected)
    })
  }

  test('speaks too old an API', async () => {
    const path = await engine({ '/version': version('1.40') })
    const message = await failure(openEngine(path))
    assert.equal(
      message,
      'the engine at unix://DIR/SOCK (version 1) is too old: it speaks API 1.40, and Paddock needs 1.41',
    )
  })

  test('speaks too new an API', async () => {
    const path = await engine({ '/version': version('1.70', '1.60') })
    const message = await failure(openEngine(path))
    assert.equal(
      message,
      'the engine at unix://DIR/SOCK (version 1) is too new: it speaks API 1.60 and later, and Paddock 1.51',
    )
  })

  test('speaks no API version', async () => {
    const path = await engine({ '/version': version('2.0/../x') })
    assert.match(await failure(openEngine(path)), /answers garbage: '2\.0\/\.\.\/x' is no API version$/)
  })

  test('is spoken to in the newest version that both know', async () => {
    const asked: string[] = []
    const path = await engine({
      '/version': version('1.60', '1.44'),
      '': (connection, url) => {
        asked.push(url)
        body('[]')(connection, url)
      },
    })
    await (await openEngine(path)).containers({ all: false })
    assert.deepEqual(asked, ['/v1.51/containers/json?all=0'])
  })
})

describe('no engine', () => {
  test('no socket', async () => {
    const message = await failure(openEngine(join(folder, '99.sock')))
    assert.equal(
      message,
      'cannot learn the version of the engine at unix://DIR/SOCK: there is no such socket',
    )
  })

  test('a file', async () => {
    writeFileSync(join(folder, '98.sock'), '')
    const message = await failure(openEngine(join(folder, '98.sock')))
    assert.equal(message, 'cannot learn the version of the engine at unix://DIR/SOCK: nothing listens there')
  })

  test('a path too long for a socket', async () => {
    assert.match(
      await failure(openEngine(`/${'x'.repeat(200)}`)),
      /^cannot learn the version of the engine at /,
    )
  })
})

describe('names that no engine has are not asked for', () => {
  for (const name of ['', '.', '..', 'a/b', '../images/x', 'a?b', 'a b', 'a\n', '%2e%2e', 'é', '-x']) {
    test(JSON.stringify(name), async () => {
      const path = await engine({ '/version': version('1.41'), '': body('{}') })
      const reader = await openEngine(path, { limits })
      assert.match(await failure(reader.container(name)), /^there is no container '/)
      if (name !== 'a/b') assert.match(await failure(reader.image(name)), /^there is no image '/)
    })
  }
})
