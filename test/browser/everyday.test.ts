import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { eventually } from '../receivers/programs.ts'
import { testWatch } from '../watch/running.ts'
import { containerRef, intrusion, processRef, produced, store, web } from '../watch/scene.ts'
import { checkAccessibility, loggedIn } from './browser.ts'

/* What an administrator does on ordinary days: a look that finds all well, maintenance, a noisy container, a channel that fails. */

const told: string[] = []
const receiver = createServer((request, response) => {
  let body = ''
  request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
  request.on('end', () => {
    const fails = request.url === '/fails' && failing
    if (!fails) told.push(body)
    response.writeHead(fails ? 500 : 204).end()
  })
}).listen(0, '127.0.0.1')
let failing = true
await once(receiver, 'listening')
after(() => receiver.close())
const hook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`
const watch = await testWatch(
  `notify: [{ name: ops, type: webhook, url: '${hook}/works' }, { name: broken, type: webhook, url: '${hook}/fails' }]\n`,
)
after(() => watch[Symbol.asyncDispose]())
const { producer } = watch
producer.containers = [produced(web, { exec: 'deny' }), produced(store)]
const open = await loggedIn(watch)

test('all is well: said in words, and for each container what it is, holds, may run, and when it was last looked at', async () => {
  await eventually(async () => assert.equal((await watch.ask('/healthz')).text, 'all ok\n'))
  const { page, context } = await open('/')
  const status = (await page.getByRole('status').textContent()) ?? ''
  assert.match(status, /All is well.*No open alerts; the sensor sees, and has tested itself/s)
  const facts = (await page.locator('[data-part=facts]').textContent()) ?? ''
  assert.match(facts, /2 containers.*2 unexpected changes.*Sweep \d+ s ago.*Self-test passed.*\d+ s ago/s)
  const row = (await page.getByRole('row', { name: /web/ }).textContent()) ?? ''
  // State, alerts, unexpected, expected, new programs, last sweep.
  assert.match(row, /herd\/web:live\s+running\s+none\s+2\s+3\s+denied\s+\d+ s ago/)
  assert.match(
    (await page.getByRole('row', { name: /redis/ }).textContent()) ?? '',
    /none\s+0\s+1\s+run, with an alert/,
  )
  await context.close()
})

test('one container: its layer directory as a tree, its processes, what policy expects of it', async () => {
  const { page, context } = await open('/containers/web')
  const tree = page.locator('.tree').first()
  // What nobody expects stands open, what is expected is folded away.
  assert.equal(await tree.getByText('.x', { exact: true }).isVisible(), true)
  assert.equal(await tree.getByText('access.log').isVisible(), false)
  for (const folder of ['var', 'log', 'nginx']) await tree.getByText(folder, { exact: true }).first().click()
  assert.equal(await tree.getByText('access.log').isVisible(), true)
  const processes = (await page.getByRole('row', { name: /412/ }).textContent()) ?? ''
  assert.match(processes, /root\s+sh -c web\s+no/)
  assert.match(
    (await page.getByRole('row', { name: /exec: deny/ }).textContent()) ?? '',
    /label paddock.exec/,
  )
  await context.close()
})

test('maintenance is begun on the page of a container, what happens is recorded and marked, and nobody is told', async () => {
  const { page, context } = await open('/containers/redis')
  await page.getByLabel('Maintenance for').selectOption({ label: '30 minutes' })
  await page.getByLabel('Reason').fill('upgrade to 8')
  await page.getByRole('button', { name: 'Record, but tell nobody' }).click()
  await page.goto(watch.url)
  await page.getByRole('row', { name: /redis/ }).getByText('maintenance').waitFor()
  producer.emit(...intrusion(store, [producer.keep(Buffer.from('x'))]))
  await page.goto(`${watch.url}alerts`)
  await page.getByText('redis', { exact: true }).waitFor()
  await page.locator('.alerts a').first().click()
  assert.match(
    (await page.locator('main').textContent()) ?? '',
    /Found during maintenance: upgrade to 8. Nobody was told/,
  )
  // An alert of maintenance is none that somebody must look at.
  assert.equal((await watch.ask('/healthz')).text, 'all ok\n')
  await checkAccessibility(page)
  await context.close()
  assert.deepEqual(told, [])
})

test('a container that makes alerts without end: thirty, and one that counts the rest', async () => {
  const noisy = containerRef('noisy', '7')
  const [first] = intrusion(noisy, [])
  assert.ok(first)
  for (let index = 0; index < 40; index++) {
    producer.emit({
      ...first,
      evidence: [],
      group: `noisy ${index}`,
      path: { path: `/tmp/${index}` },
      processes: [processRef(1000 + index, 'sh', 1, ['sh'])],
    })
  }
  const { page, context } = await open('/alerts?container=noisy')
  await page.getByText(/more than 30 alerts of this severity within an hour: 10 further ones/).waitFor()
  assert.equal(await page.locator('.alerts li').count(), 31)
  await page.getByText(/more than 30 alerts/).click()
  await page.getByText('10 of them would have been alerts of their own, beyond the limit an hour.').waitFor()
  await context.close()
})

test('activity is a plot for who sees it and a table for who does not', async () => {
  const { page, context } = await open('/activity')
  const plot = page.getByRole('img', { name: /40 observations of noisy, at most 40 in 15 minutes/ })
  assert.equal(await plot.locator('rect').count(), 1)
  const section = page.locator('section', { has: page.getByRole('link', { name: 'noisy' }) })
  await section.getByText('As a table').click()
  assert.match((await section.getByRole('row').last().textContent()) ?? '', /40\s+medium/)
  await page.getByRole('link', { name: '30 days' }).click()
  await page.getByRole('img', { name: /40 observations of noisy/ }).waitFor()
  await context.close()
})

test(
  'a channel that fails is shown, makes /healthz wrong, is told by the other one, and is tried on the page',
  { timeout: 120_000 },
  async () => {
    await eventually(async () => assert.match((await watch.ask('/healthz')).text, /channel broken fails/))
    await eventually(() => assert.match(told.join('\n'), /the channel broken cannot be told: .*answered 500/))
    const { page, context } = await open('/system')
    const row = page.getByRole('row', { name: /broken/ })
    assert.match((await row.textContent()) ?? '', /fails.*answered 500/s)
    assert.match((await page.getByRole('row', { name: /ops/ }).textContent()) ?? '', /works/)
    failing = false
    await row.getByRole('button', { name: /Send a test/ }).click()
    await page.goto(`${watch.url}system`)
    await row.getByText('works').waitFor()
    await checkAccessibility(page)
    await context.close()
  },
)
