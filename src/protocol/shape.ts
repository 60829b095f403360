declare const shaped: unique symbol

/** What a value that came over the socket must look like. Checks only: nothing is converted, nothing throws. */
export interface Shape<T> {
  /** @returns what is wrong, "finding.count: not an integer from 1 to 10", or null when the value has this shape */
  check(value: unknown, at: string): string | null
  readonly optional: boolean
  readonly [shaped]?: T
}

type OptionalShape<T> = Shape<T> & { readonly optional: true }

type Fields<T> = {
  readonly [K in keyof T]-?: undefined extends T[K] ? OptionalShape<Exclude<T[K], undefined>> : Shape<T[K]>
}

function shape<T>(check: Shape<T>['check']): Shape<T> {
  return { check, optional: false }
}

/** A string of at most `maxLength` UTF-16 units that matches `pattern` where one is given. */
export function text(maxLength: number, pattern?: RegExp): Shape<string> {
  return shape((value, at) => {
    if (typeof value !== 'string') return `${at}: not a string`
    if (value.length > maxLength) return `${at}: longer than ${maxLength}`
    return pattern === undefined || pattern.test(value) ? null : `${at}: not of the form ${String(pattern)}`
  })
}

/** A whole number from `min` to `max`, both included and at most 2^53 - 1. */
export function integer(min: number, max: number): Shape<number> {
  return shape((value, at) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max
      ? null
      : `${at}: not an integer from ${min} to ${max}`,
  )
}

export const boolean: Shape<boolean> = shape((value, at) =>
  typeof value === 'boolean' ? null : `${at}: not true or false`,
)

/** One of the strings, numbers or booleans listed. */
export function oneOf<const T extends string | number | boolean>(...values: readonly T[]): Shape<T> {
  const allowed = new Set<unknown>(values)
  return shape((value, at) => (allowed.has(value) ? null : `${at}: not one of ${values.join(', ')}`))
}

/** A string, a finite number or a boolean. */
export const scalar: Shape<string | number | boolean> = shape((value, at) => {
  if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) return null
  return typeof value === 'string' && value.length <= 4096 ? null : `${at}: not a short scalar`
})

export function nullable<T>(inner: Shape<T>): Shape<T | null> {
  return shape((value, at) => (value === null ? null : inner.check(value, at)))
}

/** A field that may be left out; `undefined` itself never crosses, JSON has none. */
export function optional<T>(inner: Shape<T>): OptionalShape<T> {
  return { check: inner.check.bind(inner), optional: true }
}

export function list<T>(maxLength: number, inner: Shape<T>): Shape<readonly T[]> {
  return shape((value, at) => {
    if (!Array.isArray(value)) return `${at}: not an array`
    if (value.length > maxLength) return `${at}: more than ${maxLength} entries`
    return first(value.map((entry, index) => () => inner.check(entry, `${at}[${index}]`)))
  })
}

/** Any keys, at most `maxKeys`, each with a value of the one shape. */
export function record<T>(maxKeys: number, inner: Shape<T>): Shape<Readonly<Record<string, T>>> {
  return shape((value, at) => {
    if (!isObject(value)) return `${at}: not an object`
    const entries = Object.entries(value)
    if (entries.length > maxKeys) return `${at}: more than ${maxKeys} keys`
    return first(
      entries.map(
        ([, entry], index) =>
          () =>
            inner.check(entry, `${at}.#${index}`),
      ),
    )
  })
}

/**
 * An object with exactly these keys. With `open`, keys beyond them are let through: what the sensor says may
 * grow, what it is asked may not.
 */
export function object<T>(fields: Fields<T>, options: { open?: boolean } = {}): Shape<T> {
  const rows = Object.entries<Shape<unknown>>(fields)
  return shape((value, at) => {
    if (!isObject(value)) return `${at}: not an object`
    if (options.open !== true) {
      const unknown = Object.keys(value).find((key) => !Object.hasOwn(fields, key))
      if (unknown !== undefined) return `${at}: a key that is not in the table`
    }
    return first(
      rows.map(([key, field]) => () => {
        if (!Object.hasOwn(value, key)) return field.optional ? null : `${at}.${key}: missing`
        return field.check(value[key], `${at}.${key}`)
      }),
    )
  })
}

/** One of several objects, told apart by their `kind`. */
export function byKind<T extends { readonly kind: string }>(shapes: {
  readonly [K in T['kind']]: Shape<Extract<T, { kind: K }>>
}): Shape<T> {
  const rows = new Map(Object.entries<Shape<unknown>>(shapes))
  return shape((value, at) => {
    const chosen = isObject(value) && typeof value['kind'] === 'string' ? rows.get(value['kind']) : undefined
    return chosen === undefined ? `${at}: of no known kind` : chosen.check(value, at)
  })
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function first(checks: readonly (() => string | null)[]): string | null {
  for (const check of checks) {
    const problem = check()
    if (problem !== null) return problem
  }
  return null
}
