import { sendJson } from '../exchange.ts'
import { openapiDocument } from '../openapi/document.ts'
import type { Raw, Route } from './route.ts'

/** @param routes all of the table, this one included: it describes itself */
export function openapi(routes: () => readonly Route[]): Raw {
  return {
    kind: 'raw',
    method: 'GET',
    path: '/api/v1/openapi.json',
    right: 'read',
    summary: 'This API as an OpenAPI 3.1 document, made from the table of routes',
    contentType: 'application/json',
    serve({ response }) {
      sendJson(response, 200, openapiDocument(routes()))
    },
  }
}
