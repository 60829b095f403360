const MAX_CLIENTS = 10_000

/** A bucket for each client: so many at once, and so many a second in the long run. */
export class RateLimit {
  readonly #burst: number
  readonly #perSecond: number
  readonly #now: () => number
  readonly #buckets = new Map<string, { tokens: number; at: number }>()

  constructor(burst: number, perSecond: number, now: () => number) {
    this.#burst = burst
    this.#perSecond = perSecond
    this.#now = now
  }

  /** @returns 0 when it may go on, else the seconds to wait */
  take(client: string): number {
    const bucket = this.#bucket(client)
    if (bucket.tokens < 1) return Math.ceil((1 - bucket.tokens) / this.#perSecond)
    bucket.tokens--
    return 0
  }

  /** Whether `take` would be refused now. */
  exhausted(client: string): boolean {
    return this.#bucket(client).tokens < 1
  }

  #bucket(client: string): { tokens: number; at: number } {
    const now = this.#now()
    const bucket = this.#buckets.get(client) ?? { tokens: this.#burst, at: now }
    const elapsedSeconds = Math.max(0, now - bucket.at) / 1000
    bucket.tokens = Math.min(this.#burst, bucket.tokens + elapsedSeconds * this.#perSecond)
    bucket.at = now
    // Forgotten first: who came longest ago.
    this.#buckets.delete(client)
    this.#buckets.set(client, bucket)
    const [oldest] = this.#buckets.keys()
    if (this.#buckets.size > MAX_CLIENTS && oldest !== undefined) this.#buckets.delete(oldest)
    return bucket
  }
}
