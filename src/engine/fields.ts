/** What an engine answered is not what its API promises: `at` is where, `problem` what. Becomes a `UserError` in client.ts. */
export class GarbageError extends Error {
  override readonly name = 'GarbageError'
}

/**
 * One JSON object of an engine's answer, read field by field. Engines write null, leave out or leave empty what is
 * not set, so a field that may be absent has a fallback; a field of another type is garbage.
 */
export interface Fields {
  text(name: string, fallback?: string): string
  /** A finite number. */
  number(name: string, fallback?: number): number
  flag(name: string): boolean
  /** A list of strings; absent is empty. */
  texts(name: string): string[]
  /** An object of strings; absent is empty. */
  map(name: string): Record<string, string>
  /** An object; absent is one without fields. */
  object(name: string): Fields
  /** A list of objects; absent is empty. */
  objects(name: string): Fields[]
  /** An object of objects by key; a null among them has no fields. */
  entries(name: string): (readonly [key: string, value: Fields])[]
  /** The names of an object's fields; absent is none. */
  keys(name: string): string[]
  has(name: string): boolean
}

/** @param at where the value stands in the answer, for messages: "[3].State" */
export function fields(value: unknown, at = ''): Fields {
  if (!isObject(value)) throw new GarbageError(`${at === '' ? 'the answer' : at} is not an object`)
  const path = (name: string) => (at === '' ? name : `${at}.${name}`)
  // Own fields only: "constructor" and the like are no answers.
  const get = (name: string): unknown => (Object.hasOwn(value, name) ? (value[name] ?? undefined) : undefined)

  function scalar<T>(
    name: string,
    fallback: T | undefined,
    is: (found: unknown) => found is T,
    what: string,
  ): T {
    const found = get(name) ?? fallback
    if (!is(found)) throw new GarbageError(`${path(name)} is not ${what}`)
    return found
  }
  const object = (name: string) => {
    const found = get(name) ?? {}
    if (!isObject(found)) throw new GarbageError(`${path(name)} is not an object`)
    return found
  }
  const list = (name: string) => {
    const found = get(name) ?? []
    if (!Array.isArray(found)) throw new GarbageError(`${path(name)} is not a list`)
    return found as unknown[]
  }
  const textOf = (found: unknown, where: string) => {
    if (typeof found !== 'string') throw new GarbageError(`${where} is not a string`)
    return found
  }

  return {
    text: (name, fallback) => scalar(name, fallback, isString, 'a string'),
    number: (name, fallback) => scalar(name, fallback, isNumber, 'a number'),
    flag: (name) => scalar(name, false, isBoolean, 'true or false'),
    texts: (name) => list(name).map((entry, index) => textOf(entry, `${path(name)}[${index}]`)),
    // fromEntries defines a key "__proto__" like any other.
    map: (name) =>
      Object.fromEntries(
        Object.entries(object(name)).map(([key, entry]) => [key, textOf(entry, `a value of ${path(name)}`)]),
      ),
    object: (name) => fields(object(name), path(name)),
    objects: (name) => list(name).map((entry, index) => fields(entry, `${path(name)}[${index}]`)),
    entries: (name) =>
      Object.entries(object(name)).map(([key, entry]) => [
        key,
        fields(entry ?? {}, `a value of ${path(name)}`),
      ]),
    keys: (name) => Object.keys(object(name)),
    has: (name) => get(name) !== undefined,
  }
}

/** An answer that is a list of objects. */
export function fieldsList(value: unknown): Fields[] {
  if (!Array.isArray(value)) throw new GarbageError('the answer is not a list')
  return value.map((entry, index) => fields(entry, `[${index}]`))
}

/** One of the words, or garbage. */
export function oneOf<T extends string>(found: string, words: readonly T[], at: string): T {
  const word = words.find((known) => known === found)
  if (word === undefined) throw new GarbageError(`${at} is none of ${words.join(', ')}`)
  return word
}

/** A container's or network's id: it becomes part of paths, so nothing but 64 hexadecimal digits. */
export function hexId(found: string, at: string): string {
  if (!/^[0-9a-f]{64}$/.test(found)) throw new GarbageError(`${at} is not 64 hexadecimal digits`)
  return found
}

/** An image's id as "sha256:…"; Podman leaves the algorithm out in places. Empty where a container has no image. */
export function imageId(found: string, at: string): string {
  if (found === '') return ''
  const digits = found.startsWith('sha256:') ? found.slice('sha256:'.length) : found
  return `sha256:${hexId(digits, at)}`
}

/** Seconds since the epoch, as the engine counts, in RFC 3339. */
export function secondsToIso(seconds: number, at: string): string {
  const date = new Date(seconds * 1000)
  if (Number.isNaN(date.getTime())) throw new GarbageError(`${at} is no time`)
  return date.toISOString()
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isString(value: unknown): value is string {
  return typeof value === 'string'
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean'
}
