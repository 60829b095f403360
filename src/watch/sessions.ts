import { createHash, randomBytes } from 'node:crypto'
import type { Access } from './tokens.ts'

const MAX_SESSIONS = 200
const LIFETIME_MS = 12 * 3_600_000

export interface Session extends Access {
  /** Goes into every form; a request that changes something and lacks it is not from one of our pages. */
  readonly csrf: string
  readonly until: number
}

/** Who is logged in, by cookie; in memory only: a restart asks for the token again. */
export class Sessions {
  readonly #byHash = new Map<string, Session>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  /** @returns the cookie's value */
  begin(access: Access): { cookie: string; session: Session } {
    const cookie = randomBytes(32).toString('base64url')
    const session = {
      ...access,
      csrf: randomBytes(24).toString('base64url'),
      until: this.#now() + LIFETIME_MS,
    }
    // The oldest goes: a Map keeps the order of insertion.
    const [oldest] = this.#byHash.keys()
    if (this.#byHash.size >= MAX_SESSIONS && oldest !== undefined) this.#byHash.delete(oldest)
    this.#byHash.set(hash(cookie), session)
    return { cookie, session }
  }

  find(cookie: string): Session | null {
    const session = this.#byHash.get(hash(cookie))
    if (session === undefined) return null
    if (session.until > this.#now()) return session
    this.#byHash.delete(hash(cookie))
    return null
  }

  end(cookie: string): void {
    this.#byHash.delete(hash(cookie))
  }
}

/** Looked up by hash, so that the time of a comparison tells nothing of the cookie. */
function hash(cookie: string): string {
  return createHash('sha256').update(cookie).digest('base64')
}
