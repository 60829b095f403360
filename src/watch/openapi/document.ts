import { version } from '../../lib/version.ts'
import type { Action, Raw, Route, View } from '../routes/route.ts'
import { type SchemaName, schemas } from './schemas.ts'

interface Operation {
  readonly method: 'get' | 'post'
  readonly path: string
  readonly operation: object
}

/** The API as OpenAPI 3.1, made from the very table that answers. Pages and files for browsers are not in it. */
export function openapiDocument(routes: readonly Route[]): object {
  const operations = routes.map(asOperation).filter((operation) => operation !== null)
  const paths = Map.groupBy(operations, ({ path }) => path)
  return {
    openapi: '3.1.0',
    info: {
      title: 'Paddock watch',
      version,
      description: 'What watch knows, and what can be done about it. Every page has its twin here.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }],
    paths: Object.fromEntries(
      [...paths].map(([path, all]) => [
        path,
        Object.fromEntries(all.map(({ method, operation }) => [method, operation])),
      ]),
    ),
    components: {
      schemas,
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'A token that may read, or read and act' },
      },
    },
  }
}

function asOperation(route: Route): Operation | null {
  if (route.kind === 'view') return viewOperation(route)
  if (route.kind === 'action') return actionOperation(route)
  return route.path.startsWith('/api/') || route.right === 'local' ? rawOperation(route) : null
}

function viewOperation({ api, summary, query, schema, right }: View): Operation {
  const named = Object.entries(query).map(([name, description]) => ({
    name,
    in: 'query',
    description,
    schema: { type: 'string' },
  }))
  return {
    method: 'get',
    path: templated(`/api/v1${api}`),
    operation: {
      summary,
      description: needs(right),
      parameters: [...pathParameters(api), ...named],
      responses: { 200: json(schema), ...problems },
    },
  }
}

function actionOperation({ api, summary, fields, schema, right }: Action): Operation {
  const entries = Object.entries(fields)
  const properties = Object.fromEntries(
    entries.map(([name, { type, help }]) => [
      name,
      type === 'texts'
        ? { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }], description: help }
        : { type: 'string', description: help },
    ]),
  )
  const required = entries.filter(([, field]) => field.required).map(([name]) => name)
  return {
    method: 'post',
    path: templated(`/api/v1${api}`),
    operation: {
      summary,
      description: needs(right),
      parameters: pathParameters(api),
      requestBody: {
        required: true,
        content: { 'application/json': { schema: { type: 'object', properties, required } } },
      },
      responses: { 200: json(schema), ...problems },
    },
  }
}

function rawOperation({ path, method, summary, contentType, right }: Raw): Operation {
  return {
    method: method === 'GET' ? 'get' : 'post',
    path: templated(path),
    operation: {
      summary,
      description: needs(right),
      parameters: pathParameters(path),
      responses: { 200: { description: summary, content: { [contentType]: {} } }, ...problems },
      ...(right === 'local' ? { security: [] } : {}),
    },
  }
}

function needs(right: Route['right']): string {
  return {
    open: 'Anybody may ask.',
    local: 'Anybody on this host may ask, unless `openMetrics: false`.',
    read: 'Needs a token that may read.',
    act: 'Needs a token that may act.',
  }[right]
}

function templated(path: string): string {
  return path.replace(/:(\w+)/g, '{$1}')
}

function pathParameters(path: string): object[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
}

function json(schema: SchemaName): object {
  return {
    description: schema,
    content: { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } },
  }
}

const problems = { default: { ...json('Problem'), description: 'It could not be done, and why' } }
