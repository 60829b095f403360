import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { dirname, resolve } from 'node:path'
import { LineCounter, parseDocument } from 'yaml'
import type { Channel, QuietHours } from '../alerts/channels.ts'
import { notifierKinds } from '../alerts/notify/kinds.ts'
import type { Field } from '../alerts/notify/notifier.ts'
import { hasCode, UserError } from '../lib/errors.ts'
import { severities, type Severity } from '../protocol/findings.ts'
import {
  asBoolean,
  asList,
  asMap,
  asNumber,
  asOneOf,
  asText,
  asUrl,
  type Keys,
  type Reading,
} from './setting.ts'

/** `watch.yaml` in the configuration folder; each key may be absent. */
export interface Config {
  /** Further names by which browsers may ask for the page; with or without a port. */
  readonly hosts: readonly string[]
  /** Where people find the page: in links of notices. */
  readonly pageUrl: string | null
  readonly tls: { readonly cert: string; readonly key: string } | null
  /** Listening beyond loopback without TLS: said on purpose, for a proxy that does TLS. */
  readonly plainHttp: boolean
  /** Whether `/metrics` and `/healthz` ask for a token too. */
  readonly openMetrics: boolean
  readonly keepDays: number
  readonly maxSizeBytes: number
  readonly tokens: readonly { readonly name: string; readonly right: 'read' | 'act'; readonly file: string }[]
  readonly channels: readonly Channel[]
}

export const NO_CONFIG: Config = {
  hosts: [],
  pageUrl: null,
  tls: null,
  plainHttp: false,
  openMetrics: true,
  keepDays: 400,
  maxSizeBytes: 4 * 1024 ** 3,
  tokens: [],
  channels: [],
}

/** @throws UserError with file, line and what was meant; a file that is not there is an empty one */
export function readConfig(path: string): Config {
  try {
    return parseConfig(readFileSync(path, 'utf8'), path)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return NO_CONFIG
    if (!hasCode(error, 'EACCES', 'EISDIR', 'ENOTDIR')) throw error
    throw new UserError(`cannot read ${path}: ${error.code ?? ''}`, {
      hint: 'the user that watch runs as must be able to read it',
    })
  }
}

/** @param path named in errors; secret files are looked for beside it */
export function parseConfig(text: string, path: string): Config {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const problem = document.errors[0]
  if (problem !== undefined) {
    throw new UserError(
      `${path}:${lines.linePos(problem.pos[0]).line}: ${problem.message.split('\n')[0] ?? ''}`,
    )
  }
  // A key that is missing is named by the line of what it is missing from.
  const lineOf = (keys: Keys): number => {
    const node = document.getIn(keys, true) as { range?: [number, number, number] } | undefined
    if (node?.range !== undefined) return lines.linePos(node.range[0]).line
    return keys.length === 0 ? 1 : lineOf(keys.slice(0, -1))
  }
  const fail = (keys: Keys, what: string): never => {
    throw new UserError(`${path}:${lineOf(keys)}: ${keys.join('.')}: ${what}`)
  }
  return readAll((document.toJS() ?? {}) as unknown, { fail, folder: dirname(path) })
}

const KEYS = [
  'hosts',
  'pageUrl',
  'tls',
  'plainHttp',
  'openMetrics',
  'keepDays',
  'maxSizeMiB',
  'tokens',
  'quiet',
  'notify',
]

function readAll(value: unknown, reading: Reading): Config {
  const top = asMap(value, [], KEYS, reading)
  const quiet = top['quiet'] === undefined ? null : readQuiet(top['quiet'], reading)
  const tls = top['tls'] === undefined ? null : asMap(top['tls'], ['tls'], ['cert', 'key'], reading)
  const pageUrl = top['pageUrl'] === undefined ? null : asUrl(top['pageUrl'], ['pageUrl'], reading)
  return {
    hosts: asList(top['hosts'], ['hosts'], reading).map((host, index) =>
      asText(host, ['hosts', index], reading),
    ),
    pageUrl: pageUrl === null || pageUrl.endsWith('/') ? pageUrl : `${pageUrl}/`,
    tls:
      tls === null
        ? null
        : {
            cert: resolve(reading.folder, asText(tls['cert'], ['tls', 'cert'], reading)),
            key: resolve(reading.folder, asText(tls['key'], ['tls', 'key'], reading)),
          },
    plainHttp: asBoolean(top['plainHttp'] ?? NO_CONFIG.plainHttp, ['plainHttp'], reading),
    openMetrics: asBoolean(top['openMetrics'] ?? NO_CONFIG.openMetrics, ['openMetrics'], reading),
    keepDays: asNumber(top['keepDays'] ?? NO_CONFIG.keepDays, ['keepDays'], 1, 36_500, reading),
    maxSizeBytes:
      asNumber(
        top['maxSizeMiB'] ?? NO_CONFIG.maxSizeBytes / 1024 ** 2,
        ['maxSizeMiB'],
        64,
        1024 ** 2,
        reading,
      ) *
      1024 ** 2,
    tokens: asList(top['tokens'], ['tokens'], reading).map((token, index) =>
      readToken(token, index, reading),
    ),
    channels: asList(top['notify'], ['notify'], reading).map((channel, index, all) =>
      readChannel(channel, index, all, quiet, reading),
    ),
  }
}

function readToken(value: unknown, index: number, reading: Reading): Config['tokens'][number] {
  const keys = ['tokens', index]
  const token = asMap(value, keys, ['name', 'right', 'file'], reading)
  return {
    name: asText(token['name'], [...keys, 'name'], reading),
    right: asOneOf(token['right'], [...keys, 'right'], ['read', 'act'] as const, reading),
    file: resolve(reading.folder, asText(token['file'], [...keys, 'file'], reading)),
  }
}

function readQuiet(value: unknown, reading: Reading): QuietHours {
  const quiet = asMap(value, ['quiet'], ['from', 'until', 'except'], reading)
  const minute = (key: string) => {
    const match = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(asText(quiet[key], ['quiet', key], reading))
    return match === null
      ? reading.fail(['quiet', key], 'is not a time of day in quotes, like "22:00"')
      : Number(match[1]) * 60 + Number(match[2])
  }
  const except = quiet['except'] ?? 'critical'
  return {
    fromMinute: minute('from'),
    untilMinute: minute('until'),
    except: asOneOf(except, ['quiet', 'except'], severities, reading),
  }
}

function readChannel(
  value: unknown,
  index: number,
  all: readonly unknown[],
  quiet: QuietHours | null,
  reading: Reading,
): Channel {
  const keys: Keys = ['notify', index]
  const type = asOneOf(
    (asMap(value, keys, null, reading) as { type?: unknown }).type,
    [...keys, 'type'],
    Object.keys(notifierKinds),
    reading,
  )
  const kind = notifierKinds[type]
  if (kind === undefined) throw new Error(`no notifier ${type}`)
  const names = Object.entries(kind.fields).flatMap(([name, field]) =>
    field.type === 'secret' ? [name, `${name}File`] : [name],
  )
  const channel = asMap(value, keys, ['name', 'type', 'severity', 'quiet', ...names], reading)
  const name = asText(channel['name'] ?? type, [...keys, 'name'], reading)
  const nameOf = (other: unknown) =>
    (other as { name?: string; type?: string }).name ?? (other as { type?: string }).type
  if (!/^[\w.-]{1,64}$/.test(name))
    reading.fail([...keys, 'name'], 'may hold letters, digits, "_", "-" and "."')
  if (all.slice(0, index).some((other) => nameOf(other) === name)) {
    reading.fail([...keys, 'name'], `'${name}' is the name of another channel already`)
  }
  const least: Severity = asOneOf(channel['severity'] ?? 'low', [...keys, 'severity'], severities, reading)
  const settings = Object.fromEntries(
    Object.entries(kind.fields)
      .map(([key, field]) => [key, readField(channel, key, field, keys, reading)] as const)
      .filter(([, setting]) => setting !== undefined),
  )
  const own = asBoolean(channel['quiet'] ?? true, [...keys, 'quiet'], reading)
  return { name, type, kind, settings, severity: least, quiet: own ? quiet : null }
}

function readField(
  channel: Readonly<Record<string, unknown>>,
  key: string,
  field: Field,
  keys: Keys,
  reading: Reading,
): unknown {
  const at = [...keys, key]
  const file = field.type === 'secret' ? channel[`${key}File`] : undefined
  const value = file === undefined ? channel[key] : readSecret(file, [...keys, `${key}File`], reading)
  if (value === undefined || value === null) {
    return field.required ? reading.fail(keys, `needs ${key}: ${field.help}`) : undefined
  }
  if (field.values !== undefined) return asOneOf(value, at, field.values, reading)
  if (field.type === 'number') return asNumber(value, at, 1, 65_535, reading)
  if (field.type === 'boolean') return asBoolean(value, at, reading)
  if (field.type === 'url') return asUrl(value, at, reading)
  if (field.type === 'texts') {
    return (Array.isArray(value) ? value : [value]).map((item: unknown) => asText(item, at, reading))
  }
  return asText(value, at, reading)
}

function readSecret(value: unknown, keys: Keys, reading: Reading): string {
  const path = resolve(reading.folder, asText(value, keys, reading))
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    if (!(error instanceof Error)) throw error
    return reading.fail(keys, `cannot be read: ${error.message}`)
  }
}

/**
 * "127.0.0.1:7411", "[::1]:7411", "7411".
 * @throws UserError when it is none of these, or reaches beyond this host without TLS or an explicit word
 */
export function parseListen(text: string, config: Config): { host: string; port: number } {
  const match = /^(?:(\[[0-9a-f:.]+\]|[\w.-]+):)?(\d{1,5})$/i.exec(text)
  const port = Number(match?.[2])
  if (match === null || port > 65_535) {
    throw new UserError(`cannot listen on '${text}'`, { hint: 'write address:port, like 127.0.0.1:7411' })
  }
  const host = (match[1] ?? '127.0.0.1').replace(/^\[|\]$/g, '')
  if (isLoopback(host) || config.tls !== null || config.plainHttp) return { host, port }
  throw new UserError(`cannot listen on '${text}': it reaches beyond this host, and there is no TLS`, {
    hint: 'set tls in watch.yaml, or plainHttp: true where a proxy does TLS',
  })
}

export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true
  return isIP(host) === 4 && host.startsWith('127.')
}
