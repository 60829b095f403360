import { send } from '../exchange.ts'
import { liveScript } from '../pages/live-script.ts'
import { icon, style } from '../pages/style.ts'
import type { Raw } from './route.ts'

function file(path: string, contentType: string, text: string, summary: string): Raw {
  return {
    kind: 'raw',
    method: 'GET',
    path,
    right: 'open',
    summary,
    contentType,
    serve({ response }) {
      send(response, 200, `${contentType}; charset=utf-8`, text, { 'cache-control': 'max-age=300' })
    },
  }
}

export const files: readonly Raw[] = [
  file('/style.css', 'text/css', style, 'The style sheet'),
  file('/live.js', 'text/javascript', liveScript, 'What keeps an open page fresh'),
  file('/icon.svg', 'image/svg+xml', icon, 'The icon'),
]
