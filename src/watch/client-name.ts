import type { IncomingMessage } from 'node:http'
import { printable } from '../lib/printable.ts'

/** The header by which `paddock alerts` says who typed it. Whoever can open the socket is believed, and named as said. */
export const USER_HEADER = 'x-paddock-user'

export function userName(request: IncomingMessage): string {
  const header = request.headers[USER_HEADER]
  const name = typeof header === 'string' ? decode(header) : ''
  return printable(name).slice(0, 64) || 'somebody'
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}
