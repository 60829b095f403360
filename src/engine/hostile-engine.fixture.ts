import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import assert from 'node:assert/strict'
import { UserError } from '../lib/errors.ts'
import { printable } from '../lib/printable.ts'

/*
 * The one thing that is faked: an engine that misbehaves, on a real socket. Well-behaved ones are real
 * (test/engine/reader-contract.test.ts).
 */

export const folder = mkdtempSync(join(tmpdir(), 'paddock-engine-'))
const open: (Server | Socket)[] = []
after(() => {
  for (const handle of open)
    if ('destroy' in handle) handle.destroy()
    else handle.close()
  rmSync(folder, { recursive: true })
})

export type Reply = (connection: Socket, path: string) => void

/** Answers each request by the table, the first row whose path matches. */
export async function engine(table: Readonly<Record<string, Reply>>): Promise<string> {
  const path = join(folder, `${open.length}.sock`)
  const server = createServer((connection) => {
    open.push(connection)
    connection.on('error', () => undefined)
    connection.once('data', (data) => {
      const asked = data.toString('latin1').split(' ')[1] ?? ''
      const row = Object.entries(table).find(([part]) => asked.includes(part))
      row?.[1](connection, asked)
    })
  })
  open.push(server)
  server.listen(path)
  await once(server, 'listening')
  return path
}

export const body =
  (text: string, status = '200 OK', headers = ''): Reply =>
  (connection) => {
    connection.end(
      `HTTP/1.1 ${status}\r\n${headers}Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    )
  }
export const raw =
  (text: string): Reply =>
  (connection) => {
    connection.write(text)
  }
export const version = (api: string, min = '1.24') =>
  body(JSON.stringify({ Version: '1', ApiVersion: api, MinAPIVersion: min }))
export const floods: Reply = (connection) => {
  connection.write('HTTP/1.1 200 OK\r\n\r\n[')
  const chunk = Buffer.alloc(65_536, 32)
  const more = () => {
    while (!connection.destroyed && connection.write(chunk));
  }
  connection.on('drain', more)
  more()
}

/** The sentence of a `UserError`, as it is printed, without what differs between runs. */
export async function failure(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt
  } catch (error) {
    assert.ok(error instanceof UserError, `a bug: ${String(error)}`)
    return printable(error.message)
      .replaceAll(folder, 'DIR')
      .replaceAll(/\d+\.sock/g, 'SOCK')
  }
  throw new Error('no failure')
}
