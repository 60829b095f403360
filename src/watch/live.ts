import type { ServerResponse } from 'node:http'

const MAX_CLIENTS = 50
/** Of one reader: so many tabs are not looked at, and whoever holds a stolen token leaves room for the others. */
const MAX_CLIENTS_OF_ONE = 20
const HEARTBEAT_MS = 15_000
/** The first change goes out at once; those within this time after it together. */
const GATHER_MS = 250
/** A client that reads so slowly is let go; it comes back and reads anew. */
const MAX_BUFFERED_BYTES = 64 * 1024

/** Pages that are open and want to know when they are stale. */
export class Live implements Disposable {
  /** With who reads each. */
  readonly #clients = new Map<ServerResponse, string>()
  readonly #heartbeat: NodeJS.Timeout
  #gather: NodeJS.Timeout | null = null
  #pending = false

  constructor() {
    this.#heartbeat = setInterval(() => {
      this.#send(': still here\n\n')
    }, HEARTBEAT_MS)
    this.#heartbeat.unref()
  }

  get size(): number {
    return this.#clients.size
  }

  /** Whether one more page of this reader's would be too many. */
  isFull(reader: string): boolean {
    const own = [...this.#clients.values()].filter((other) => other === reader).length
    return this.#clients.size >= MAX_CLIENTS || own >= MAX_CLIENTS_OF_ONE
  }

  /** Takes over a response that has its head. */
  add(response: ServerResponse, reader: string): void {
    this.#clients.set(response, reader)
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
    for (const client of this.#clients.keys()) client.end()
  }

  #send(text: string): void {
    for (const client of this.#clients.keys()) {
      if (client.writableLength > MAX_BUFFERED_BYTES) client.destroy()
      else client.write(text)
    }
  }
}
