import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Page } from 'playwright-core'
import { acts, DROPPED, TIDY_UP } from '../../src/cli/demo/intruder.ts'
import { debianImage, testEngine } from '../engine/harness.ts'
import { startWatchCommand } from '../fixtures/running-watch.ts'
import { eventually } from '../receivers/programs.ts'
import { checkAccessibility, openPage } from './browser.ts'

/*
 * The whole way as a person meets it: real containers, the demo's intruder in one of them, kernel, sensor, watch, page,
 * and a browser. Takes the pictures that README.md shows; with PADDOCK_PICTURES=docs/images they are renewed.
 */

const engine = await testEngine('docker', { own: true })
const folder = process.env['PADDOCK_PICTURES'] ?? mkdtempSync(join(tmpdir(), 'paddock-pictures-'))
mkdirSync(folder, { recursive: true })
after(() => {
  if (process.env['PADDOCK_PICTURES'] === undefined) rmSync(folder, { recursive: true })
})

// What the demo's herd has, and Debian has not, is another program of the image.
const inDebian = (script: string) => script.replaceAll('/usr/bin/busybox', '/usr/bin/true')
/** Both pictures have this size. */
const viewport = { width: 1120, height: 760 }

/** As it looks outside of the tests: without their prefix before names, nor this machine's own name. */
async function takePicture(page: Page, name: string): Promise<void> {
  const told = JSON.stringify([
    [engine.prefix, ''],
    [hostname(), 'docker1.example.org'],
  ])
  await page.evaluate(`for (const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT); walk.nextNode();)
    for (const [from, to] of ${told}) walk.currentNode.data = walk.currentNode.data.replaceAll(from, to)`)
  const path = join(folder, `${name}.png`)
  await page.screenshot({ path, animations: 'disabled' })
  // PNG's header holds the size, at fixed places.
  const png = readFileSync(path)
  assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [viewport.width, viewport.height])
}

test('the intruder of the demo: seen on the page, told as a story, and what was dropped is taken away to be studied', async (t) => {
  const image = await debianImage(engine, { tag: 'paddock-test/nginx:1', packages: ['nginx-light'] })
  const labels = {
    'paddock.exec': 'deny',
    'paddock.expect': '/run/**,/var/lib/nginx/**,/var/log/nginx,/var/log/nginx/**',
  }
  const command = ['sh', '-c', 'mkdir -p /var/log/nginx && exec nginx -g "daemon off;"']
  const web = await engine.run({ name: 'web', image, labels, command })
  for (const name of ['mail', 'wiki']) {
    const writes = ['sh', '-c', `mkdir -p /var/spool/${name} && echo 1 > /var/spool/${name}/1; sleep 1000000`]
    await engine.run({ name, labels: { 'paddock.expect': '/var/**' }, command: writes })
  }
  const watch = await startWatchCommand(['--engine', engine.address], (act) => {
    t.after(act)
  })
  // One shell, as an intruder has it: what belongs together is one story. What is denied fails, which the findings tell.
  const session = [...acts.map(({ script }) => inDebian(script)), TIDY_UP, 'sleep 2'].join('; sleep 0.5; ')
  await web.exec('sh', '-c', session)
  for (const { does, isFound } of acts)
    await watch.finding(does, (finding) => finding.container?.name === web.name && isFound(finding))

  const [url = ''] = /http:\S+/.exec(watch.said()) ?? []
  const { page, context, complaints } = await openPage({ viewport })
  await page.goto(url)
  await page.getByLabel('Token').fill(readFileSync(join(watch.folder, 'state/watch/token'), 'utf8').trim())
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('link', { name: 'System' }).click()
  await page.getByRole('button', { name: 'Sweep now' }).click()
  await page.getByRole('link', { name: 'Overview' }).click()
  await page.getByRole('status').getByText('Something moved').waitFor()
  const row = page.getByRole('row', { name: new RegExp(web.name) })
  await row.getByText('critical').waitFor()
  // The page is live: the numbers of the sweep come by themselves.
  await eventually(async () =>
    assert.match((await row.textContent()) ?? '', /running\s+critical\s+1 alert\s+[1-9]\s+\d+\s+denied/),
  )
  await checkAccessibility(page)
  await takePicture(page, 'page')

  await page.goto(`${url}alerts?container=${web.name}&search=${encodeURIComponent(DROPPED)}`)
  await page.locator('.alerts a').first().click()
  const story = (await page.locator('.timeline').textContent()) ?? ''
  assert.match(
    story,
    /\/etc\/passwd was changed.*\/tmp\/\.x was added.*denied.*\/etc\/group was deleted.*cron\.d/s,
  )
  assert.match((await page.locator('.tree').first().textContent()) ?? '', /sh -c/)
  await checkAccessibility(page)
  const expected = createHash('sha256')
    .update(await droppedBytes(web))
    .digest('hex')
  const saving = page.waitForEvent('download')
  await page.locator(`td.mono:text-is("${expected}")`).locator('..').getByRole('link').click()
  const saved = readFileSync(await (await saving).path())
  assert.equal(
    createHash('sha256').update(saved).digest('hex'),
    expected,
    'the bytes, though the file is gone',
  )
  await page.evaluate('scrollTo(0, 0)')
  await takePicture(page, 'alert')
  assert.deepEqual(complaints, [])
  await context.close()
})

/** The image's program and a line of its own, as the demo's intruder makes it. */
async function droppedBytes(web: { readonly id: string }): Promise<Buffer> {
  const base64 = await engine.cli('exec', web.id, 'sh', '-c', 'base64 -w0 /usr/bin/true')
  return Buffer.concat([Buffer.from(base64.trim(), 'base64'), Buffer.from('x\n')])
}
