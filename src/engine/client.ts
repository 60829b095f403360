import { UserError } from '../lib/errors.ts'
import { readEvents } from './events.ts'
import { GarbageError } from './fields.ts'
import { get, getBody, type Limits, RequestError } from './http.ts'
import { parseContainer, parseContainers } from './parse-container.ts'
import { parseImage, parseImageHistory, parseImages } from './parse-image.ts'
import { type EngineVersion, parseInfo, parseNetworks, parseVersion } from './parse-info.ts'
import type { EngineEvent, OpenEngine } from './reader.ts'
import { asUserError } from './trouble.ts'

/** Docker 20.10 and Podman 4 speak it. */
const OLDEST = '1.41'
/** From 1.52 on inspect leaves out the graph driver's directories (source: moby). */
const NEWEST = '1.51'

const CONTAINER_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,255}$/
const IMAGE_REFERENCE = /^[a-zA-Z0-9][a-zA-Z0-9_.:@-]*(\/[a-zA-Z0-9][a-zA-Z0-9_.:@-]*)*$/

export interface ClientOptions {
  readonly limits?: Limits
}

const usual: Limits = { timeoutMs: 30_000, maxBytes: 64 * 1024 * 1024 }

interface Question<T> {
  /** Behind the API version: "/containers/json?all=1". */
  readonly path: string
  /** What is asked, for the message: "list the containers". */
  readonly what: string
  readonly parse: (answer: unknown) => T
  /** The message for a 404. */
  readonly missing?: string
}

/**
 * Opens an engine for reading and agrees on an API version. Speaks only `GET`.
 * @param socketPath the engine's Unix socket
 */
export async function openEngine(
  socketPath: string,
  { limits = usual }: ClientOptions = {},
): Promise<OpenEngine> {
  const address = `unix://${socketPath}`

  async function ask<T>({ path, what, parse, missing }: Question<T>): Promise<T> {
    try {
      return parse(parseJson(await getBody(socketPath, path, limits)))
    } catch (error) {
      throw asUserError(error, address, what, missing)
    }
  }

  const version = await ask({ path: '/version', what: 'learn the version', parse: parseVersion })
  const spoken = agreeOnVersion(version, address)
  const api = `/v${spoken}`

  return {
    address,
    kind: version.kind,
    info: () =>
      ask({
        path: `${api}/info`,
        what: 'read the settings',
        parse: (answer) => parseInfo(answer, version, spoken),
      }),
    containers: ({ all }) =>
      ask({
        path: `${api}/containers/json?all=${all ? '1' : '0'}`,
        what: 'list the containers',
        parse: parseContainers,
      }),
    async container(idOrName) {
      const missing = `there is no container '${idOrName}' on the engine at ${address}`
      if (!CONTAINER_NAME.test(idOrName)) throw new UserError(missing, { isMissing: true })
      const path = `${api}/containers/${idOrName}/json`
      return ask({ path, what: `inspect the container '${idOrName}'`, parse: parseContainer, missing })
    },
    images: () => ask({ path: `${api}/images/json`, what: 'list the images', parse: parseImages }),
    image: (reference) => askImage('json', reference, parseImage),
    imageHistory: (reference) => askImage('history', reference, parseImageHistory),
    networks: () => ask({ path: `${api}/networks`, what: 'list the networks', parse: parseNetworks }),
    events: (signal) => {
      // Asked from this moment on, though the connection is made with the first event waited for.
      const since = (Date.now() / 1000).toFixed(3)
      return follow(`${api}/events?since=${since}`, signal)
    },
  }

  async function askImage<T>(kind: string, reference: string, parse: (answer: unknown) => T): Promise<T> {
    const missing = `there is no image '${reference}' on the engine at ${address}`
    if (!IMAGE_REFERENCE.test(reference)) throw new UserError(missing)
    const path = `${api}/images/${reference}/${kind}`
    return ask({ path, what: `inspect the image '${reference}'`, parse, missing })
  }

  async function* follow(path: string, signal: AbortSignal): AsyncGenerator<EngineEvent> {
    try {
      yield* readEvents(await get(socketPath, path, signal), signal)
    } catch (error) {
      if (error instanceof RequestError && error.failure.kind === 'aborted') return
      throw asUserError(error, address, 'follow the events')
    }
  }
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (error) {
    throw new GarbageError('the answer is not JSON', { cause: error })
  }
}

/** The newest that both speak. */
function agreeOnVersion({ version, apiVersion, minApiVersion }: EngineVersion, address: string): string {
  const [oldest, newest] = [minor(minApiVersion), minor(apiVersion)]
  const engine = `the engine at ${address} (version ${version.slice(0, 40)})`
  if (oldest === null || newest === null) {
    throw new UserError(`${engine} answers garbage: '${apiVersion.slice(0, 40)}' is no API version`)
  }
  if (newest < Number(minor(OLDEST))) {
    throw new UserError(`${engine} is too old: it speaks API ${apiVersion}, and Paddock needs ${OLDEST}`, {
      hint: 'Docker 20.10 or later and Podman 4 or later speak it',
    })
  }
  if (oldest > Number(minor(NEWEST))) {
    throw new UserError(
      `${engine} is too new: it speaks API ${minApiVersion} and later, and Paddock ${NEWEST}`,
      {
        hint: 'look for a newer Paddock',
      },
    )
  }
  return `1.${Math.min(newest, Number(minor(NEWEST)))}`
}

/** The number behind "1." of an API version; there never was another major one. */
function minor(version: string): number | null {
  const digits = /^1\.(\d{1,3})$/.exec(version)?.[1]
  return digits === undefined ? null : Number(digits)
}
