import type { Route } from './routes/route.ts'

/** Where a route hangs: views and actions answer at two paths, one for browsers and one for programs. */
export interface Place {
  readonly route: Route
  readonly api: boolean
  readonly params: Readonly<Record<string, string>>
}

interface Entry {
  readonly method: 'GET' | 'POST'
  readonly parts: readonly string[]
  readonly route: Route
  readonly api: boolean
}

export type Found =
  | { readonly found: 'route'; readonly place: Place }
  | { readonly found: 'other-method'; readonly allow: string }
  | { readonly found: 'nothing' }

/** @returns a function from method and path to the route; fixed parts win over `:named` ones by their order in the table */
export function router(routes: readonly Route[]): (method: string, path: string) => Found {
  const entries = routes.flatMap(entriesOf)
  return (method, path) => {
    const parts = partsOf(path)
    if (parts === null) return { found: 'nothing' }
    const asked = method === 'HEAD' ? 'GET' : method
    const methods = new Set<string>()
    for (const entry of entries) {
      const params = match(entry.parts, parts)
      if (params === null) continue
      methods.add(entry.method)
      if (entry.method === asked) {
        return { found: 'route', place: { route: entry.route, api: entry.api, params } }
      }
    }
    return methods.size === 0
      ? { found: 'nothing' }
      : { found: 'other-method', allow: [...methods].join(', ') }
  }
}

function entriesOf(route: Route): Entry[] {
  const at = (method: 'GET' | 'POST', path: string, api: boolean): Entry => ({
    method,
    parts: path.split('/').slice(1),
    route,
    api,
  })
  if (route.kind === 'raw') return [at(route.method, route.path, route.path.startsWith('/api/'))]
  const method = route.kind === 'view' ? 'GET' : 'POST'
  return [at(method, route.page, false), at(method, `/api/v1${route.api}`, true)]
}

function partsOf(path: string): string[] | null {
  try {
    return path.split('/').slice(1).map(decodeURIComponent)
  } catch {
    return null
  }
}

function match(pattern: readonly string[], parts: readonly string[]): Record<string, string> | null {
  if (pattern.length !== parts.length) return null
  const params: Record<string, string> = {}
  for (const [index, name] of pattern.entries()) {
    const part = parts[index] ?? ''
    if (name.startsWith(':')) {
      if (part === '') return null
      params[name.slice(1)] = part
    } else if (name !== part) return null
  }
  return params
}
