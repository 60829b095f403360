import type { Exchange, Input } from '../exchange.ts'
import type { RouteRight } from '../guard.ts'
import type { Html } from '../html.ts'
import type { SchemaName } from '../openapi/schemas.ts'
import type { Watch } from '../watch.ts'

/** What a view is asked for: parts of the path, and of the query. */
export interface Question {
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string | undefined>>
}

/** One thing to look at: a page for people, and the same as JSON under `/api/v1`. */
export interface View<T = unknown> {
  readonly kind: 'view'
  /** "/alerts/:id". */
  readonly page: string
  /** Below `/api/v1`. */
  readonly api: string
  readonly right: RouteRight
  readonly summary: string
  /** Of the query: name, and what it does. */
  readonly query: Readonly<Record<string, string>>
  readonly schema: SchemaName
  /** @throws HttpError 404 when there is no such thing */
  data(watch: Watch, question: Question): Promise<T> | T
  title(data: T): string
  /** What stands in the page's middle. */
  body(data: T, reader: Reader): Html
}

/** Who looks at a page, and what of it was asked for. */
export interface Reader {
  readonly canAct: boolean
  /** Null: not by cookie, so there is no form to protect. */
  readonly csrf: string | null
  readonly query: Readonly<Record<string, string | undefined>>
  readonly now: number
}

/** One thing to do: a form on a page, and the same by JSON. */
export interface Action {
  readonly kind: 'action'
  readonly page: string
  readonly api: string
  readonly right: 'act'
  readonly summary: string
  readonly fields: Readonly<
    Record<
      string,
      { readonly type: 'text' | 'texts' | 'number'; readonly required: boolean; readonly help: string }
    >
  >
  readonly schema: SchemaName
  /** @throws HttpError or UserError when it cannot be done */
  act(
    watch: Watch,
    params: Readonly<Record<string, string>>,
    input: Input,
    who: string,
  ): Promise<object> | object
  /** Where the browser goes afterwards. */
  next(params: Readonly<Record<string, string>>, input: Input): string
}

/** Anything else: files, streams, logging in. */
export interface Raw {
  readonly kind: 'raw'
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly right: RouteRight
  readonly summary: string
  readonly contentType: string
  serve(exchange: Exchange): Promise<void> | void
}

export type Route = View | Action | Raw

/** A view whose `title` and `body` see what its `data` gives. */
export function defineView<T>(view: Omit<View<T>, 'kind'>): View {
  // server.ts gives `title` and `body` only what `data` of the same view gave.
  return { kind: 'view', ...view } as unknown as View
}
