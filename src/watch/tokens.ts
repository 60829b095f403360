import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hasCode, UserError } from '../lib/errors.ts'
import type { Config } from './config.ts'

/** `read` sees everything; `act` acknowledges, pauses, tests channels and fetches a copy of the database as well. */
export type Right = 'read' | 'act'

export interface Access {
  readonly right: Right
  /** The token's name, for the journal. */
  readonly name: string
}

/** Made at the first start, in watch's state folder. */
const OWN_TOKENS = [
  { name: 'token', right: 'act', file: 'token' },
  { name: 'token-read', right: 'read', file: 'token-read' },
] as const

/** What a token's file must hold to be one: enough that guessing is hopeless. */
const TOKEN = /^[\w.~+/=-]{24,256}$/

export interface Tokens {
  /** Null: no such token. Takes the same time whatever is wrong. */
  check(token: string): Access | null
}

/**
 * Reads the tokens, after making those of watch's own that are not there.
 * @throws UserError when a file cannot be read or holds too little
 */
export function openTokens(stateDir: string, config: Config): Tokens {
  for (const { file } of OWN_TOKENS) makeToken(join(stateDir, file))
  const known = [
    ...OWN_TOKENS.map((token) => ({ ...token, file: join(stateDir, token.file) })),
    ...config.tokens,
  ].map(({ name, right, file }) => ({ name, right, hash: hash(readToken(file)) }))
  return {
    check(token) {
      const given = hash(token)
      const matches = known.filter((entry) => timingSafeEqual(entry.hash, given))
      const [match] = matches
      return match === undefined ? null : { name: match.name, right: match.right }
    },
  }
}

function makeToken(file: string): void {
  try {
    writeFileSync(file, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  }
}

function readToken(file: string): string {
  let token: string
  try {
    token = readFileSync(file, 'utf8').trim()
  } catch (error) {
    if (!(error instanceof Error)) throw error
    throw new UserError(`cannot read the token file ${file}: ${error.message}`)
  }
  if (TOKEN.test(token)) return token
  throw new UserError(`the token file ${file} does not hold a token`, {
    hint: 'put 24 or more letters and digits there, from `openssl rand -base64 32` for example',
  })
}

function hash(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
