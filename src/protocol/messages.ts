import { answers, type Answers, type RefusalReason, refusalReasons, spoolId } from './answers.ts'
import { findingShape, rfc3339 } from './finding-shape.ts'
import type { Finding } from './findings.ts'
import { requests, type RequestType } from './requests.ts'
import { integer, object, oneOf, optional, type Shape, text } from './shape.ts'

/** Both sides come from one package; a sensor and a watch of different protocols do not talk. */
export const PROTOCOL = 1

/** How often a subscriber hears a heartbeat. Silence for more than two of these means that the sensor hangs. */
export const HEARTBEAT_MS = 4000

export interface Hello {
  readonly type: 'hello'
  readonly protocol: number
  /** Of Paddock. */
  readonly version: string
  readonly pid: number
  readonly startedAt: string
  /** Which spool the numbers belong to: 32 hexadecimal digits, new when the sensor's state folder was lost. */
  readonly spool: string
  /** Number of the first finding of this life of the sensor. */
  readonly first?: number
}

type AnswerMessage = {
  [K in RequestType]: {
    readonly type: 'answer'
    readonly id: number
    readonly to: K
    readonly value: Answers[K]
  }
}[RequestType]

/** All that the sensor says. */
export type Message =
  | Hello
  | { readonly type: 'finding'; readonly finding: Finding }
  /** To subscribers, every `HEARTBEAT_MS`. `next`: what the next finding's number will be. */
  | { readonly type: 'heartbeat'; readonly at: string; readonly next: number }
  | AnswerMessage
  /** The request was in the table, but cannot be answered; one sentence why. */
  | {
      readonly type: 'failed'
      readonly id: number
      readonly to: RequestType
      readonly reason: 'not-found' | 'unavailable'
      readonly detail: string
    }
  /** The last line before the sensor closes the connection. `replaced`: another receiver came. */
  | {
      readonly type: 'closing'
      readonly reason: RefusalReason | 'replaced' | 'ending'
      readonly detail: string
    }

const count = integer(0, Number.MAX_SAFE_INTEGER)
export const requestTypes = Object.keys(requests) as RequestType[]
const to = oneOf(...requestTypes)
const open = { open: true }

type Of<T extends Message['type']> = Extract<Message, { type: T }>

/** What each line of the sensor must look like; an answer's `value` has its own table (answers.ts). */
export const messageShapes: { readonly [T in Message['type']]: Shape<Of<T>> } = {
  hello: object<Hello>(
    {
      type: oneOf('hello'),
      protocol: count,
      version: text(64),
      pid: count,
      startedAt: rfc3339,
      spool: spoolId,
      first: optional(count),
    },
    open,
  ),
  finding: object<Of<'finding'>>({ type: oneOf('finding'), finding: findingShape }, open),
  heartbeat: object<Of<'heartbeat'>>({ type: oneOf('heartbeat'), at: rfc3339, next: count }, open),
  answer: {
    optional: false,
    check(value, at) {
      const problem = answerFrame.check(value, at)
      if (problem !== null) return problem
      const { to: asked, value: answer } = value as { to: RequestType; value: unknown }
      return answers[asked].check(answer, `${at}.value`)
    },
  },
  failed: object<Of<'failed'>>(
    {
      type: oneOf('failed'),
      id: count,
      to,
      reason: oneOf('not-found', 'unavailable'),
      detail: text(4096),
    },
    open,
  ),
  closing: object<Of<'closing'>>(
    { type: oneOf('closing'), reason: oneOf(...refusalReasons, 'replaced', 'ending'), detail: text(4096) },
    open,
  ),
}

const anything: Shape<Answers[RequestType]> = { optional: false, check: () => null }
const answerFrame = object<{ type: 'answer'; id: number; to: RequestType; value: Answers[RequestType] }>(
  { type: oneOf('answer'), id: count, to, value: anything },
  open,
)
