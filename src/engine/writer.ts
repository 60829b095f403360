import type { Readable } from 'node:stream'
import { fields, GarbageError, hexId } from './fields.ts'
import { asFailure, readBody, RequestError } from './http.ts'
import type { EngineReader } from './reader.ts'
import { type Outgoing, send } from './send.ts'
import { readTarFile } from './tar-file.ts'
import { asUserError } from './trouble.ts'

export interface NewContainer {
  readonly image: string
  /** The engine chooses one where there is none. */
  readonly name?: string
  /** "0", "33:33"; the image's own where there is none. */
  readonly user?: string
  /** Replaces the image's; empty keeps it. */
  readonly command: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  /** "NAME=value", beside the image's own. */
  readonly env?: readonly string[]
  /** Processes and threads at once; no limit when absent. */
  readonly mostProcesses?: number
}

/** What a program that ran in a container left. */
export interface Ran {
  readonly exitCode: number
  /** Standard output and error as the engine frames them, the first megabyte. */
  readonly output: Buffer
}

/**
 * What Paddock changes on an engine, and what of it streams. Every method rejects with a `UserError` of one sentence.
 * Only the operator's own commands have one: the sensor reads.
 */
export interface EngineWriter {
  /** Without a network, not started. @returns its id */
  createContainer(container: NewContainer): Promise<string>
  startContainer(id: string): Promise<void>
  /** By the image's own stop signal; killed after `seconds`. */
  stopContainer(id: string, seconds: number): Promise<void>
  /** Waits for its end. @returns what its first program left */
  exitCode(id: string): Promise<number>
  /** The end of what its first program printed, as the engine frames it. */
  logs(id: string): Promise<Buffer>
  /** Runs a program in a running container, as its user, and waits for its end. */
  run(id: string, command: readonly string[]): Promise<Ran>
  /** Running or not, with its anonymous volumes. */
  removeContainer(id: string): Promise<void>
  /** Makes an image of one layer of a root file system's tar. @param reference "paddock/probe:1" */
  importImage(tar: Readable, reference: string): Promise<void>
  removeImage(reference: string): Promise<void>
  /** Gives an image another name. @param reference "web:hardened" */
  tagImage(image: string, reference: string): Promise<void>
  /** A tar of these images, layers that they share once, piece by piece; as `docker save` writes it. */
  saveImages(references: readonly string[]): AsyncIterable<Buffer>
  /** Takes in what saveImages gave. Resolves when the engine has it all. */
  loadImages(tar: Readable): Promise<void>
  /**
   * A regular file of a container, running or not: its content is hostile.
   * @returns null where there is none, or something else lies there
   */
  readFile(id: string, path: string, maxBytes: number): Promise<Buffer | null>
}

/** @param signal ends whatever is under way */
export async function openWriter(engine: EngineReader, signal: AbortSignal): Promise<EngineWriter> {
  const socketPath = engine.address.slice('unix://'.length)
  const api = `/v${(await engine.info()).apiVersion}`
  const q = encodeURIComponent

  async function ask<T>(
    what: string,
    outgoing: Outgoing,
    read: (answer: Readable) => Promise<T>,
  ): Promise<T> {
    try {
      return await read(await send(socketPath, { ...outgoing, path: api + outgoing.path }, signal))
    } catch (error) {
      throw asUserError(error, engine.address, what)
    }
  }

  return {
    async createContainer({ image, name, user, command, labels, env = [], mostProcesses }) {
      const json = {
        Image: image,
        ...(user === undefined ? {} : { User: user }),
        ...(command.length === 0 ? {} : { Cmd: command }),
        Labels: labels,
        Env: env,
        HostConfig: {
          NetworkMode: 'none',
          ...(mostProcesses === undefined ? {} : { PidsLimit: mostProcesses }),
        },
      }
      const path = `/containers/create${name === undefined ? '' : `?name=${q(name)}`}`
      const outgoing: Outgoing = { method: 'POST', path, body: { json } }
      return ask(`create a container of '${image}'`, outgoing, async (answer) => idOf(await all(answer)))
    },
    startContainer: (id) =>
      ask('start a container', { method: 'POST', path: `/containers/${q(id)}/start` }, drain),
    stopContainer: (id, seconds) =>
      ask('stop a container', { method: 'POST', path: `/containers/${q(id)}/stop?t=${seconds}` }, drain),
    exitCode: (id) =>
      ask('wait for a container', { method: 'POST', path: `/containers/${q(id)}/wait` }, async (answer) =>
        fields(parseJson(await all(answer))).number('StatusCode', -1),
      ),
    logs: (id) =>
      ask(
        'read the logs of a container',
        { method: 'GET', path: `/containers/${q(id)}/logs?stdout=1&stderr=1&tail=20` },
        firstPart,
      ),
    async run(id, command) {
      const what = 'run a program in a container'
      const json = { Cmd: command, AttachStdout: true, AttachStderr: true }
      const create: Outgoing = { method: 'POST', path: `/containers/${q(id)}/exec`, body: { json } }
      const exec = await ask(what, create, async (answer) => idOf(await all(answer)))
      const body = { json: { Detach: false, Tty: false } }
      const output = await ask(what, { method: 'POST', path: `/exec/${exec}/start`, body }, firstPart)
      const exitCode = await ask(what, { method: 'GET', path: `/exec/${exec}/json` }, async (answer) =>
        fields(parseJson(await all(answer))).number('ExitCode', -1),
      )
      return { exitCode, output }
    },
    removeContainer: (id) =>
      ask('remove a container', { method: 'DELETE', path: `/containers/${q(id)}?force=1&v=1` }, drain),
    importImage(tar, reference) {
      const [repository = '', tag = 'latest'] = reference.split(':')
      const path = `/images/create?fromSrc=-&repo=${q(repository)}&tag=${q(tag)}`
      return ask(`import the image '${reference}'`, { method: 'POST', path, body: { tar } }, refuseFailure)
    },
    removeImage: (reference) =>
      ask(
        `remove the image '${reference}'`,
        { method: 'DELETE', path: `/images/${q(reference)}?force=1` },
        drain,
      ),
    tagImage(image, reference) {
      const at = reference.lastIndexOf(':')
      const query = `repo=${q(reference.slice(0, at))}&tag=${q(reference.slice(at + 1))}`
      return ask(
        `name an image '${reference}'`,
        { method: 'POST', path: `/images/${image}/tag?${query}` },
        drain,
      )
    },
    async *saveImages(references) {
      const names = references.map((one) => `names=${q(one)}`).join('&')
      try {
        const path = `${api}/images/get?${names}`
        yield* (await send(socketPath, { method: 'GET', path }, signal)) as AsyncIterable<Buffer>
      } catch (error) {
        throw asUserError(asFailure(error, signal), engine.address, 'save images')
      }
    },
    loadImages: (tar) =>
      ask('load images', { method: 'POST', path: '/images/load?quiet=1', body: { tar } }, refuseFailure),
    async readFile(id, path, maxBytes) {
      const slow = AbortSignal.timeout(READ_MS)
      try {
        const outgoing: Outgoing = {
          method: 'GET',
          path: `${api}/containers/${q(id)}/archive?path=${q(path)}`,
        }
        return await readTarFile(await send(socketPath, outgoing, AbortSignal.any([signal, slow])), maxBytes)
      } catch (error) {
        if (slow.aborted && !signal.aborted)
          throw asUserError(
            new RequestError({ kind: 'slow', afterMs: READ_MS }, error),
            engine.address,
            `read ${path} of a container`,
          )
        if (error instanceof RequestError && error.failure.kind === 'refused' && error.failure.status === 404)
          return null
        throw asUserError(error, engine.address, `read ${path} of a container`)
      }
    },
  }
}

function idOf(body: Buffer): string {
  return hexId(fields(parseJson(body)).text('Id'), 'Id')
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (error) {
    throw new GarbageError('the answer is not JSON', { cause: error })
  }
}

const OUTPUT_BYTES = 1024 * 1024

/** All of it is read, so that the program is never held up; what is beyond the first megabyte is forgotten. */
async function firstPart(answer: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    if (size < OUTPUT_BYTES) chunks.push(chunk)
    size += chunk.length
  }
  return Buffer.concat(chunks).subarray(0, OUTPUT_BYTES)
}

/** An engine may hang over what a container put into its file system: FIFOs where it looks up users. */
const READ_MS = 20_000

const ANSWER_BYTES = 16 * 1024 * 1024

function all(answer: Readable): Promise<Buffer> {
  return readBody(answer, ANSWER_BYTES)
}

async function drain(answer: Readable): Promise<void> {
  await all(answer)
}

/** These answer 200 first, and with a line of JSON for each step; a failure is one of the lines. */
async function refuseFailure(answer: Readable): Promise<void> {
  for (const line of (await all(answer)).toString('utf8').split('\n')) {
    const message = /"error"\s*:\s*("(?:[^"\\]|\\.)*")/.exec(line)?.[1]
    if (message !== undefined)
      throw new RequestError({ kind: 'refused', status: 200, body: JSON.parse(message) as string })
  }
}
