import type { ServerResponse } from 'node:http'

const MAX_CLIENTS = 50
const HEARTBEAT_MS = 15_000
/** The first change goes out at once; those within this time after it together. */
const GATHER_MS = 250
/** A client that reads so slowly is let go; it comes back and reads anew. */
const MAX_BUFFERED_BYTES = 64 * 1024

/** Pages that are open and want to know when they are stale. */
export class Live implements Disposable {
  readonly #clients = new Set<ServerResponse>()
  readonly #heartbeat: NodeJS.Timeout
  #gather: NodeJS.Timeout | null = null
  #pending = false

  constructor() {
    this.#heartbeat = setInterval(() => {
      this.#send(': still here\n\n')
    }, HEARTBEAT_MS)
    this.#heartbeat.unref()
  }

  readonly max = MAX_CLIENTS

  get size(): number {
    return this.#clients.size
  }

  /** Takes over a response that has its head. */
  add(response: ServerResponse): void {
    this.#clients.add(response)
    response.on('close', () => this.#clients.delete(response))
    response.write('retry: 2000\n\n')
  }

  /** Something changed. Tells nothing of what: each page asks again for what it shows. */
  changed(): void {
    if (this.#gather !== null) {
      this.#pending = true
      return
    }
    this.#send('event: changed\ndata: {}\n\n')
    this.#gather = setTimeout(() => {
      this.#gather = null
      if (!this.#pending) return
      this.#pending = false
      this.changed()
    }, GATHER_MS)
    this.#gather.unref()
  }

  [Symbol.dispose](): void {
    clearInterval(this.#heartbeat)
    clearTimeout(this.#gather ?? undefined)
    for (const client of this.#clients) client.end()
  }

  #send(text: string): void {
    for (const client of this.#clients) {
      if (client.writableLength > MAX_BUFFERED_BYTES) client.destroy()
      else client.write(text)
    }
  }
}
