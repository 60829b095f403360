import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, test } from 'node:test'
import type { Page } from 'playwright-core'
import { eventually } from '../receivers/programs.ts'
import { testWatch } from '../watch/running.ts'
import { containerRef, hostile, hostileFinding, intrusion, produced, store, web } from '../watch/scene.ts'
import { checkAccessibility, loggedIn, openPage } from './browser.ts'

/* The page as a person meets it: in a browser, with hands and eyes, and without. */

const watch = await testWatch()
after(() => watch[Symbol.asyncDispose]())
const { producer } = watch
producer.containers = [produced(web, { exec: 'deny' }), produced(store), produced(hostile)]
const dropped = Buffer.from('<html><script>globalThis.owned = 1</script></html>')
const kept = producer.keep(dropped)
producer.emit(...intrusion(web, [kept]), hostileFinding())
await eventually(async () => {
  const { alerts } = await watch.api<{ alerts: unknown[] }>('/alerts')
  const { containers } = await watch.api<{ containers: unknown[] }>('/overview')
  assert.deepEqual([alerts.length, containers.length], [2, 3])
})

const containerPath = `/containers/${encodeURIComponent(hostile.name)}`
const pages = [
  '/',
  '/alerts',
  '/alerts/1',
  '/alerts/2',
  '/containers/web',
  containerPath,
  '/activity',
  '/system',
]

async function logIn(page: Page, token = watch.token): Promise<void> {
  await page.goto(watch.url)
  await page.getByLabel('Token').fill(token)
  await page.getByLabel('Your name').fill('Alice')
  await page.getByRole('button', { name: 'Log in' }).click()
}

const open = await loggedIn(watch)

const emitAs = (name: string, seed: string) => producer.emit(...intrusion(containerRef(name, seed), [kept]))

test('who logs in wrongly is told so and gets nowhere; who logs in rightly lands where they wanted', async () => {
  const { page, context } = await openPage()
  await page.goto(`${watch.url}alerts/1`)
  assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), 'Log in')
  await page.getByLabel('Token').fill('not the token at all')
  await page.getByRole('button', { name: 'Log in' }).click()
  assert.equal(await page.getByRole('alert').textContent(), 'That is not a token of this watch.')
  await checkAccessibility(page)
  await page.getByLabel('Token').fill(watch.token)
  await page.getByRole('button', { name: 'Log in' }).click()
  assert.equal(new URL(page.url()).pathname, '/alerts/1')
  await page.getByRole('button', { name: 'Log out' }).click()
  await page.goto(watch.url)
  assert.equal(new URL(page.url()).pathname, '/login')
  await context.close()
})

test('the first look says whether all is well, and of which container not', async () => {
  const { page, context } = await open('/')
  const status = page.getByRole('status')
  assert.match((await status.textContent()) ?? '', /Something moved.*2 open alerts, 1 of them critical/s)
  const row = page.getByRole('row', { name: /web/ }).first()
  assert.match((await row.textContent()) ?? '', /critical.*1 alert.*denied/s)
  const calm = page.getByRole('row', { name: /redis/ })
  assert.match((await calm.textContent()) ?? '', /none/)
  await context.close()
})

test('alerts are filtered and searched, and one is read as a story', async () => {
  const { page, context } = await open('/alerts')
  const items = page.locator('.alerts li')
  assert.equal(await items.count(), 2)
  await page.getByLabel('Severity').selectOption('critical')
  await page.getByRole('button', { name: 'Filter' }).click()
  assert.equal(await items.count(), 1)
  await page.getByLabel('Severity').selectOption('')
  await page.getByLabel('Search').fill('usr/bin/CURL')
  await page.getByLabel('Search').press('Enter')
  assert.equal(await items.count(), 1)
  await page.getByRole('link', { name: /a shell by/ }).click()
  assert.match((await page.getByRole('heading', { level: 1 }).textContent()) ?? '', /ran it: denied/)
  const story = (await page.locator('.timeline').textContent()) ?? ''
  assert.match(story, /was written.*a new program.*was denied.*usr\/bin\/curl/s)
  assert.match(
    (await page.getByRole('table', { name: /modified: against the image/ }).textContent()) ?? '',
    /100755.*104755/s,
  )
  assert.match((await page.locator('.tree').first().textContent()) ?? '', /sh -c wget.*wget -O.*\/tmp\/\.x/s)
  await page.goto(`${watch.url}alerts?search=nothing-like-this`)
  assert.match((await page.locator('main').textContent()) ?? '', /No alert is like that/)
  await context.close()
})

test('evidence is saved, not shown, and is the very bytes', async () => {
  const { page, context } = await open('/alerts/1')
  const saving = page.waitForEvent('download')
  await page.getByRole('link', { name: '/tmp/.x' }).click()
  const download = await saving
  assert.match(download.suggestedFilename(), /^evidence-1-[0-9a-f]{16}\.bin$/)
  assert.deepEqual(readFileSync(await download.path()), dropped)
  // Without the link's own word for it, by its address: saved all the same.
  const direct = page.waitForEvent('download')
  await page.goto(`${watch.url}alerts/1/evidence/${kept.sha256}`).catch(() => undefined)
  assert.deepEqual(readFileSync(await (await direct).path()), dropped)
  await context.close()
})

test('what a container calls itself is text, on every page and in every field', async () => {
  const { page, context, complaints } = await open('/')
  for (const path of pages) {
    await page.goto(new URL(path, watch.url).href)
    assert.equal(await page.evaluate('globalThis.owned'), undefined, path)
    assert.equal(await page.locator('img, iframe, main script, svg [onload]').count(), 0, path)
  }
  assert.deepEqual(complaints, [])
  await page.goto(`${watch.url}alerts/2`)
  const text = (await page.locator('main').textContent()) ?? ''
  assert.ok(text.includes('<script>globalThis.owned = 1</script>'))
  // What reorders text is shown as what it is.
  await page.goto(`${watch.url}alerts/2`)
  assert.ok(!text.includes('\u202e'))
  await context.close()
})

test('the policy of the page would refuse a script that got in all the same', async () => {
  const { page, context, complaints } = await open('/')
  const markup = '<img src="/none" onerror="globalThis.owned = 1"><style>body { display: none }</style>'
  await page.evaluate(`document.body.insertAdjacentHTML('beforeend', ${JSON.stringify(markup)})`)
  await eventually(() => assert.match(complaints.join('\n'), /Content Security Policy/))
  assert.equal(await page.evaluate('globalThis.owned'), undefined)
  await context.close()
})

test('every page is accessible and fits: at a desk and on a phone, in the light and in the dark', async () => {
  const { page, context } = await open('/', { reducedMotion: 'reduce' })
  for (const path of pages) {
    await page.emulateMedia({ colorScheme: 'light' })
    await page.setViewportSize({ width: 1280, height: 900 })
    await page.goto(new URL(path, watch.url).href)
    await checkAccessibility(page)
    await page.emulateMedia({ colorScheme: 'dark' })
    await checkAccessibility(page, 'colours')
    await page.setViewportSize({ width: 360, height: 740 })
    await checkAccessibility(page)
    const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')
    assert.ok(overflow <= 0, `${path} is ${overflow} pixels too wide`)
  }
  await context.close()
})

test('all of it is readable without JavaScript, and an alert can be acknowledged', async () => {
  emitAs('plain', '1')
  const { page, context } = await open('/', { javaScriptEnabled: false })
  for (const path of pages) {
    await page.goto(new URL(path, watch.url).href)
    assert.ok(((await page.locator('main').textContent()) ?? '').length > 100, path)
  }
  await page.goto(`${watch.url}alerts?container=plain`)
  await page.getByRole('link', { name: /a shell by/ }).click()
  await page.getByLabel('Why is this all right?').fill('without a script')
  await page.getByRole('button', { name: 'Acknowledge' }).click()
  assert.match(
    (await page.locator('main').textContent()) ?? '',
    /Acknowledged by Alice \(token\).*without a script/s,
  )
  await context.close()
})

test('an open page shows what happens at once, says so, and loses nothing that was typed', async () => {
  const { page, context } = await open('/alerts')
  await eventually(async () => assert.equal(await page.locator('#live').textContent(), 'Live'))
  await page.getByLabel('Reason').fill('half a sentence')
  await page.getByLabel('Select alert 2').check()
  await page.getByLabel('Select alert 2').focus()
  const before = await page.locator('.alerts li').count()
  emitAs('late', '2')
  await page.getByText('late', { exact: true }).waitFor()
  assert.equal(await page.locator('.alerts li').count(), before + 1)
  assert.match((await page.getByRole('status').textContent()) ?? '', /3 open alerts/)
  assert.equal(await page.getByLabel('Reason').inputValue(), 'half a sentence')
  assert.equal(await page.getByLabel('Select alert 2').isChecked(), true)
  assert.equal(await page.evaluate('document.activeElement.value'), '2')
  await context.close()
})

test('several are acknowledged at once, with one reason, and not without', async () => {
  emitAs('one', '3')
  emitAs('two', '4')
  const { page, context } = await open('/alerts')
  await page.getByText('two', { exact: true }).waitFor()
  const before = await page.locator('.alerts li').count()
  for (const name of ['one', 'two']) {
    const item = page.locator('.alerts li', { has: page.getByText(name, { exact: true }) })
    await item.getByRole('checkbox').check()
  }
  await page.getByRole('button', { name: 'Acknowledge' }).click()
  assert.equal(new URL(page.url()).pathname, '/alerts', 'the browser asks for the reason')
  assert.equal(await page.locator('.alerts li').count(), before)
  await page.getByLabel('Reason').fill('the new release')
  await page.getByRole('button', { name: 'Acknowledge' }).click()
  await eventually(async () => assert.equal(await page.locator('.alerts li').count(), before - 2))
  const { alerts } = await watch.api<{ alerts: { acknowledged: { by: string; reason: string } }[] }>(
    '/alerts?state=acknowledged',
  )
  const who = alerts.slice(0, 2).map(({ acknowledged }) => [acknowledged.by, acknowledged.reason])
  assert.deepEqual(who, [
    ['Alice (token)', 'the new release'],
    ['Alice (token)', 'the new release'],
  ])
  await context.close()
})

test('who may only read is shown nothing to press', async () => {
  const { page, context } = await openPage()
  await logIn(page, watch.readToken)
  for (const path of pages) {
    await page.goto(new URL(path, watch.url).href)
    const buttons = await page.getByRole('button').allTextContents()
    assert.deepEqual(buttons, path === '/alerts' ? ['Log out', 'Filter'] : ['Log out'], path)
  }
  await context.close()
})

test('by the keyboard alone: past the navigation, to an alert, and settled', async () => {
  emitAs('keys', '5')
  const { page, context } = await open('/alerts?container=keys')
  await page.getByText('keys', { exact: true }).waitFor()
  await page.keyboard.press('Tab')
  const focused = () =>
    page.evaluate<string>('document.activeElement.id || document.activeElement.textContent.trim()')
  assert.equal(await focused(), 'Skip to the content')
  await page.keyboard.press('Enter')
  const tabTo = async (what: RegExp) => {
    for (let presses = 0; !what.test(await focused()); presses++) {
      assert.ok(presses < 40, `${String(what)} is reached by Tab`)
      await page.keyboard.press('Tab')
    }
  }
  await tabTo(/^a shell by/)
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/alerts\/\d+$/)
  await tabTo(/^reason$/)
  await page.keyboard.type('by hand')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.getByText('Acknowledged by').waitFor()
  await context.close()
})

test('a sensor that falls silent is seen on an open page, and so is its return', async () => {
  const { page, context } = await open('/')
  await page.getByRole('status').getByText('Something moved').waitFor()
  producer.selfTestOk = false
  await page.getByRole('status').getByText('Not everything is seen').waitFor()
  await checkAccessibility(page)
  producer.selfTestOk = true
  await page.getByRole('status').getByText('Something moved').waitFor()
  await context.close()
})
