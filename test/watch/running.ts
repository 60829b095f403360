import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startWatch } from '../../src/watch/start.ts'
import { Producer } from './producer.ts'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/** A watch of this very process with a producer in place of the sensor, in folders of its own. */
export interface TestWatch extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly token: string
  readonly readToken: string
  readonly producer: Producer
  readonly folder: string
  readonly stateDir: string
  readonly runDir: string
  readonly configDir: string
  /** A request as it is told, by TCP: nothing is added. */
  ask(path: string, options?: AskOptions): Promise<Answer>
  /** JSON of the API, with the token that may act. */
  api<T>(path: string, body?: object): Promise<T>
}

export interface AskOptions {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export async function testWatch(config = ''): Promise<TestWatch> {
  const folder = mkdtempSync(join(tmpdir(), 'paddock-watch-'))
  const [stateDir, runDir, configDir] = ['state', 'run', 'config'].map((name) => {
    const path = join(folder, name)
    mkdirSync(path)
    return path
  }) as [string, string, string]
  writeFileSync(join(configDir, 'watch.yaml'), config)
  const producer = await new Producer(runDir).listen()
  const bugs: unknown[] = []
  const watch = await startWatch({
    stateDir,
    runDir,
    configDir,
    listen: '127.0.0.1:0',
    onBug: (error) => bugs.push(error),
  })
  const port = Number(new URL(watch.url).port)
  const token = readFileSync(join(stateDir, 'watch/token'), 'utf8').trim()
  const ask: TestWatch['ask'] = (path, options) => askTcp(port, path, options)
  return {
    url: watch.url,
    port,
    token,
    readToken: readFileSync(join(stateDir, 'watch/token-read'), 'utf8').trim(),
    producer,
    folder,
    stateDir,
    runDir,
    configDir,
    ask,
    async api<T>(path: string, body?: object): Promise<T> {
      const answer = await ask(`/api/v1${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.text}`)
      return JSON.parse(answer.text) as T
    },
    async [Symbol.asyncDispose]() {
      await watch[Symbol.asyncDispose]()
      await producer[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true })
      if (bugs.length > 0) throw new AggregateError(bugs, 'watch had bugs')
    },
  }
}

function askTcp(port: number, path: string, options: AskOptions = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body } = options
  return new Promise((resolve, reject) => {
    const asked = httpRequest(
      { host: '127.0.0.1', port, method, path, headers, agent: false },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString('latin1'),
          })
        })
      },
    )
    asked.on('error', reject)
    asked.end(body)
  })
}
