import { isMap } from 'yaml'
import { parseDuration } from '../lib/duration.ts'
import { UserError } from '../lib/errors.ts'
import { parseSize } from '../policy/size.ts'
import type { YamlNode, YamlReader } from '../policy/yaml-reader.ts'
import { SERVICE_NAME } from './herd.ts'

/** What `x-paddock` says of a service beside its policy. */
export interface Settings {
  /** Of the start: all of a wave start at once, after those before them are healthy. From 1. */
  readonly wave: number
  /** Services of the herd that this one uses: they start before it, and it joins their networks. */
  readonly needs: readonly string[]
  readonly healthyWithinMs: number
  /** How long an upgrade watches before it stays. */
  readonly watchMs: number
  /** Folders below PADDOCK_DATA. */
  readonly data: readonly DataFolder[]
  readonly test: TestSettings
  readonly base: BaseSettings | null
  readonly harden: HardenSettings
  /** The compose service that `scale` multiplies; null: the one named as the folder, else the only one. */
  readonly scale: string | null
}

export interface DataFolder {
  /** Below PADDOCK_DATA, "db"; "." is the folder itself. */
  readonly path: string
  /** As the container sees them; mapped where the engine remaps. */
  readonly uid: number
  readonly gid: number
  readonly mode: number
}

export interface TestSettings {
  readonly timeoutMs: number
  /** What a test's scratch folders hold at first: nothing, or a copy of production's. */
  readonly data: 'empty' | 'copy'
  /** The most that a run may write to its scratch folders. */
  readonly diskBytes: number
}

/** What the image is made from: the build argument BASE. */
export interface BaseSettings {
  /** An image by its digest, where a registry answers; null for none. */
  readonly image: string | null
  /** Debian packages, unpacked, where none does; what they depend on comes with them. */
  readonly packages: readonly string[]
  /**
   * A folder whose Dockerfile is built on that, and gives what the image is made from; from the service's own folder. On its own
   * it is built on what its Dockerfile says itself.
   */
  readonly folder: string | null
}

export interface HardenSettings {
  /** False: the image stays as it was built. */
  readonly on: boolean
  /** As of `paddock harden`. */
  readonly keep: readonly string[]
  readonly without: readonly string[]
  readonly with: readonly string[]
  /** Keep only what a run of the service's `test` uses; where there is none, of its health check and a request to each port. */
  readonly trace: boolean
}

export const usualSettings: Settings = {
  wave: 1,
  needs: [],
  healthyWithinMs: 60_000,
  watchMs: 30_000,
  data: [],
  test: { timeoutMs: 300_000, data: 'empty', diskBytes: 2 * 2 ** 30 },
  base: null,
  harden: { on: true, keep: [], without: [], with: [], trace: false },
  scale: null,
}

export const settingNames = [
  'wave',
  'needs',
  'healthyWithin',
  'watch',
  'data',
  'test',
  'base',
  'harden',
  'scale',
] as const

const PACKAGE_NAME = /^[a-z0-9][a-z0-9+.-]+$/

/** Reads the settings of a map that holds no other keys; what is wrong stands in `yaml.problems`. */
export function readSettings(yaml: YamlReader, node: YamlNode): Settings {
  const usual = usualSettings
  if (!isMap(node) || node.items.length === 0) return usual
  const read = yaml.map(node, 'x-paddock', {
    wave: (value) => readNumber(yaml, value, 'wave', 1, 99),
    needs: (value) => readWords(yaml, value, 'needs', SERVICE_NAME, "a service's name"),
    healthyWithin: (value) => readDuration(yaml, value, 'healthyWithin'),
    watch: (value) => readDuration(yaml, value, 'watch'),
    data: (value) => yaml.list(value, 'data', (item) => readFolder(yaml, item)),
    test: (value) => readTest(yaml, value),
    base: (value) =>
      yaml.map(value, 'base', {
        image: (reference) => readDigest(yaml, reference),
        folder: (value) => yaml.text(value, 'folder'),
        packages: (list) => readWords(yaml, list, 'packages', PACKAGE_NAME, "a Debian package's name"),
      }),
    harden: (value) => readHarden(yaml, value),
    scale: (value) => yaml.text(value, 'scale'),
  })
  if (read === null) return usual
  return {
    wave: read.wave ?? usual.wave,
    needs: read.needs ?? usual.needs,
    healthyWithinMs: read.healthyWithin ?? usual.healthyWithinMs,
    watchMs: read.watch ?? usual.watchMs,
    data: read.data ?? usual.data,
    test: read.test ?? usual.test,
    base: read.base === null ? null : { ...read.base, packages: read.base.packages ?? [] },
    harden: read.harden ?? usual.harden,
    scale: read.scale,
  }
}

function readTest(yaml: YamlReader, node: YamlNode): TestSettings {
  const usual = usualSettings.test
  const read = yaml.map(node, 'test', {
    timeout: (value) => readDuration(yaml, value, 'timeout'),
    data: (value) => yaml.oneOf(value, 'data', ['empty', 'copy']),
    disk: (value) => readSize(yaml, value),
  })
  return {
    timeoutMs: read?.timeout ?? usual.timeoutMs,
    data: read?.data ?? usual.data,
    diskBytes: read?.disk ?? usual.diskBytes,
  }
}

/** A tag may be another image tomorrow, and what is built of it too. */
function readDigest(yaml: YamlReader, node: YamlNode): string | null {
  const text = yaml.text(node, 'image')
  if (text === null || /^[\w./:-]+@sha256:[0-9a-f]{64}$/.test(text)) return text
  yaml.problem(node, `'${text}' names no image by its digest`, "write it as 'debian@sha256:…'")
  return null
}

function readHarden(yaml: YamlReader, node: YamlNode): HardenSettings {
  const usual = usualSettings.harden
  if (yaml.isScalar(node)) return { ...usual, on: yaml.oneOf(node, 'harden', ['true', 'false']) !== 'false' }
  const words = (key: string) => (value: YamlNode) =>
    yaml.list(value, key, (item) => yaml.text(item, `an item of ${key}`))
  const read = yaml.map(node, 'harden', {
    keep: words('keep'),
    without: words('without'),
    with: words('with'),
    trace: (value) => yaml.oneOf(value, 'trace', ['true', 'false']),
  })
  return {
    on: true,
    keep: read?.keep ?? usual.keep,
    without: read?.without ?? usual.without,
    with: read?.with ?? usual.with,
    trace: read?.trace === 'true',
  }
}

function readFolder(yaml: YamlReader, node: YamlNode): DataFolder | null {
  const read = yaml.map(node, 'an item of data', {
    path: (value) => yaml.text(value, 'path'),
    owner: (value) => yaml.text(value, 'owner'),
    mode: (value) => yaml.text(value, 'mode'),
  })
  if (read === null) return null
  const path = read.path ?? '.'
  if (path.startsWith('/') || path.split('/').includes('..') || path.includes('\0')) {
    yaml.problem(node, `'${path}' is no path below PADDOCK_DATA`, "write it as 'db' or 'log/app'")
    return null
  }
  const owner = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(read.owner ?? '0:0')
  if (owner === null) {
    yaml.problem(
      node,
      `'${read.owner ?? ''}' is no owner`,
      "write the ids that the container knows, '999:999'",
    )
    return null
  }
  const mode = read.mode ?? '0750'
  if (!/^0?[0-7]{3,4}$/.test(mode)) {
    yaml.problem(node, `'${mode}' is no mode`, "write it in octal, '0750'")
    return null
  }
  return { path, uid: Number(owner[1]), gid: Number(owner[2] ?? owner[1]), mode: Number.parseInt(mode, 8) }
}

function readWords(yaml: YamlReader, node: YamlNode, what: string, pattern: RegExp, is: string) {
  return yaml.list(node, what, (item) => {
    const word = yaml.text(item, `an item of ${what}`)
    if (word === null || pattern.test(word)) return word
    yaml.problem(item, `'${word}' is not ${is}`, null)
    return null
  })
}

function readNumber(yaml: YamlReader, node: YamlNode, what: string, min: number, max: number): number | null {
  const text = yaml.text(node, what)
  if (text === null) return null
  if (/^\d{1,4}$/.test(text) && Number(text) >= min && Number(text) <= max) return Number(text)
  yaml.problem(node, `${what} cannot be '${text}'`, `write a number from ${min} to ${max}`)
  return null
}

function readDuration(yaml: YamlReader, node: YamlNode, what: string): number | null {
  const text = yaml.text(node, what)
  if (text === null) return null
  try {
    return parseDuration(text)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    yaml.problem(node, `${what}: ${error.message}`, error.hint ?? null)
    return null
  }
}

function readSize(yaml: YamlReader, node: YamlNode): number | null {
  const text = yaml.text(node, 'disk')
  const size = text === null ? null : parseSize(text)
  if (text !== null && size === null)
    yaml.problem(node, `'${text}' is not a size`, 'write it as 500MiB, 2GiB')
  return size
}
