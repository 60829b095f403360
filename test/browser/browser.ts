import axe from 'axe-core'
import assert from 'node:assert/strict'
import { after } from 'node:test'
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core'
import { setUp } from '../../tools/setup.ts'
import type { TestWatch } from '../watch/running.ts'

setUp({ browser: true })

let launched: Promise<Browser> | null = null

/** The machine's own Chromium, started once a test file. */
function browser(): Promise<Browser> {
  launched ??= chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
  return launched
}

after(async () => {
  await (await launched)?.close()
})

export interface Opened {
  readonly context: BrowserContext
  readonly page: Page
  /** What the page wrote to the console as an error, or threw: a refused inline script is among them. */
  readonly complaints: string[]
}

/** A fresh profile with one page. */
export async function openPage(options: BrowserContextOptions = {}): Promise<Opened> {
  const context = await (await browser()).newContext(options)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  return { context, page, complaints }
}

/** Opens pages as who is logged in, so that not every test has to log in by hand. */
export async function loggedIn(
  watch: TestWatch,
): Promise<(path: string, options?: BrowserContextOptions) => Promise<Opened>> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const body = new URLSearchParams({ token: watch.token, name: 'Alice' }).toString()
  const answer = await watch.ask('/login', { method: 'POST', headers, body })
  const value = /^paddock=([^;]+)/.exec(String(answer.headers['set-cookie']))?.[1] ?? ''
  return async (path, options) => {
    const opened = await openPage(options)
    await opened.context.addCookies([{ name: 'paddock', value, url: watch.url }])
    await opened.page.goto(new URL(path, watch.url).href)
    return opened
  }
}

/** WCAG 2.2 AA and axe's best practices; or only what colours can break. */
const RULES = {
  all: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  colours: { type: 'rule', values: ['color-contrast', 'link-in-text-block'] },
} as const

/** Holds the page against axe's rules. */
export async function checkAccessibility(page: Page, rules: keyof typeof RULES = 'all'): Promise<void> {
  // Evaluated from outside: the page's own policy lets no script in.
  await page.evaluate(axe.source)
  const violations = await page.evaluate<
    string[]
  >(`axe.run({ runOnly: ${JSON.stringify(RULES[rules])} }).then(({ violations }) =>
    violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html.slice(0, 200)).join(' | ')))`)
  assert.deepEqual(violations, [], page.url())
}
