import type { Change, Entry } from '../../cow/change.ts'
import { type BytePath, pathJson } from '../../lib/byte-path.ts'
import type { RuleSource, Severity } from '../../policy/policy.ts'

/** A change with policy's word on it. */
export interface JudgedChange {
  readonly change: Change
  readonly expected: boolean
  readonly rule: RuleSource | null
  readonly severity: Severity
  /** Ids of the table in policy/severity.ts. */
  readonly reasons: readonly string[]
}

/**
 * One element of `changes` in `paddock scan --json` (docs/json.md), as JSON text. Written by hand, since a scan may tell
 * hundreds of thousands, and an object built only to be written costs four times as much.
 */
export function changeJson({ change, expected, rule, severity, reasons }: JudgedChange): string {
  const { now, was } = change
  const why = reasons.length === 0 ? '[]' : JSON.stringify(reasons)
  const source = rule === null ? 'null' : JSON.stringify(`${rule.file}:${rule.line}`)
  return (
    `{${pathMembers(change.path)},"kind":"${change.kind}","type":"${change.type}"` +
    (now === null ? '' : `,${sideMembers(now, change.sha256)}`) +
    `,"severity":"${severity}","reasons":${why},"expected":${expected},"rule":${source}` +
    (was === null ? '' : `,"was":{${sideMembers(was, change.wasSha256)}}`) +
    (change.xattrs.length === 0 ? '}' : `,"xattrs":${JSON.stringify(change.xattrs)}}`)
  )
}

/** What stands in a JSON string as it is. */
const PLAIN = /^[ !#-[\]-~]*$/

function pathMembers(path: BytePath): string {
  return PLAIN.test(path) ? `"path":"${path}"` : JSON.stringify(pathJson(path)).slice(1, -1)
}

function sideMembers({ mode, uid, gid, sizeBytes }: Entry, sha256: string | undefined): string {
  const octal = mode.toString(8).padStart(6, '0')
  const hash = sha256 === undefined ? '' : `,"sha256":"${sha256}"`
  return `"mode":"${octal}","uid":${uid},"gid":${gid},"size":${sizeBytes}${hash}`
}
