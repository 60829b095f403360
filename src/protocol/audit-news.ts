import { containerRef } from './finding-shape.ts'
import { type ContainerRef, severities, type Severity } from './findings.ts'
import { list, nullable, object, oneOf, record, scalar, text } from './shape.ts'

/** What an audit says became worse with one subject. The sensor makes a finding of it, which goes the way of all others. */
export interface AuditNews {
  readonly severity: Severity
  /** Ids of the checks that fail now, the gravest first. */
  readonly reasons: readonly string[]
  readonly summary: string
  readonly container: ContainerRef | null
  readonly group: string
  /** By the id of the check: what was found. */
  readonly details: Readonly<Record<string, string | number | boolean>>
}

/**
 * In the state folder: where audits leave news for the sensor, and the file that it makes when one is due. An audit
 * removes that file before it looks, so that what happens meanwhile asks for another.
 */
export const AUDIT_INBOX = 'audit/inbox'
export const AUDIT_WANTED = 'audit/wanted'

export const AUDIT_MESSAGE_MAX_BYTES = 1024 * 1024
/** More subjects than this are told together, by the last of them. */
export const AUDIT_MESSAGE_MAX_NEWS = 200

interface AuditMessage {
  readonly version: 1
  readonly news: readonly AuditNews[]
}

const message = object<AuditMessage>({
  version: oneOf(1),
  news: list(
    AUDIT_MESSAGE_MAX_NEWS,
    object<AuditNews>({
      severity: oneOf(...severities),
      reasons: list(64, text(128)),
      summary: text(4096),
      container: nullable(containerRef),
      group: text(512),
      details: record(63, scalar),
    }),
  ),
})

export function encodeAuditMessage(news: readonly AuditNews[]): string {
  const whole: AuditMessage = { version: 1, news }
  return `${JSON.stringify(whole)}\n`
}

/** @returns the news, or in a sentence what is wrong with the message */
export function decodeAuditMessage(bytes: Buffer): readonly AuditNews[] | string {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch {
    return 'it is not JSON'
  }
  return message.check(value, 'message') ?? (value as AuditMessage).news
}
