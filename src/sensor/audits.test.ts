import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EngineReader } from '../engine/reader.ts'
import { AUDIT_INBOX, AUDIT_WANTED, type AuditNews, encodeAuditMessage } from '../protocol/audit-news.ts'
import { openAudits } from './audits.ts'
import type { EngineFollower } from './follow-engine.ts'
import type { NewFinding } from './ports.ts'

const nobody: EngineFollower = {
  connected: () => Promise.resolve(),
  touched: () => Promise.resolve(),
  removed: () => undefined,
  lost: () => undefined,
}
const engine = {} as EngineReader

const news: AuditNews = {
  severity: 'high',
  reasons: ['docker-group'],
  summary: 'audit: user alice: …',
  container: null,
  group: 'audit user:alice',
  details: { 'docker-group': 'alice' },
}

function start(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'paddock-audits-'))
  const inbox = join(folder, AUDIT_INBOX)
  mkdirSync(inbox, { recursive: true })
  const findings: NewFinding[] = []
  const troubles: string[] = []
  const audits = openAudits({
    folder,
    sink: { emit: (finding) => findings.push(finding) },
    unreadable: (what) => troubles.push(what),
  })
  t.after(() => {
    audits.stop()
    rmSync(folder, { recursive: true })
  })
  return { folder, inbox, findings, troubles, follower: audits.listening(nobody) }
}

async function until(done: () => boolean): Promise<void> {
  for (let tries = 0; !done(); tries += 1) {
    assert.ok(tries < 1000, 'it never came')
    await sleep(10)
  }
}

test('what an audit left is a finding, once', async (t) => {
  const { inbox, findings, troubles } = start(t)
  writeFileSync(join(inbox, 'a.json'), encodeAuditMessage([news, { ...news, group: 'other' }]))
  await until(() => readdirSync(inbox).length === 0)
  assert.deepEqual(findings[0], { ...news, kind: 'audit', source: 'audit', count: 1 })
  await sleep(2500)
  assert.deepEqual([findings.length, troubles], [2, []])
})

test('what is no message, too large, a link or a folder is told, never followed, and gone where it can be', async (t) => {
  const { folder, inbox, findings, troubles } = start(t)
  writeFileSync(join(inbox, 'broken.json'), '{"version":1,"news":[{}]}')
  writeFileSync(join(inbox, 'huge.json'), ' '.repeat(2 << 20))
  writeFileSync(join(folder, 'elsewhere'), encodeAuditMessage([news]))
  symlinkSync(join(folder, 'elsewhere'), join(inbox, 'link.json'))
  mkdirSync(join(inbox, 'folder.json'))
  writeFileSync(join(inbox, 'half.json.new'), encodeAuditMessage([news]))
  await until(() => troubles.length >= 4)
  await sleep(2500)
  assert.equal(troubles.length, 4, troubles.join('\n'))
  assert.deepEqual(findings, [])
  assert.deepEqual(readdirSync(inbox).sort(), ['folder.json', 'half.json.new', 'link.json'])
})

test('an audit is wanted when the engine comes and when a container is made or started, and at no other event', async (t) => {
  const { folder, follower } = start(t)
  const wanted = join(folder, AUDIT_WANTED)
  const event = (action: string) => ({ type: 'container', id: 'x', action }) as never
  for (const action of ['die', 'exec_start', 'health_status: healthy'])
    await follower.touched(engine, 'x', event(action))
  await follower.touched(engine, 'x', null)
  await sleep(1500)
  assert.ok(!existsSync(wanted))
  for (const act of [
    () => follower.connected(engine),
    () => follower.touched(engine, 'x', event('create')),
    () => follower.touched(engine, 'x', event('start')),
  ]) {
    rmSync(wanted, { force: true })
    await act()
    await until(() => existsSync(wanted))
  }
})

test('an engine that does not answer wants no audit, however often it is asked', async (t) => {
  const { folder } = start(t)
  const audits = openAudits({ folder, sink: { emit: () => undefined }, unreadable: () => undefined })
  t.after(() => audits.stop())
  const gone = { ...nobody, connected: () => Promise.reject(new Error('no such socket')) }
  await assert.rejects(audits.listening(gone).connected(engine), /no such socket/)
  await sleep(1500)
  assert.ok(!existsSync(join(folder, AUDIT_WANTED)))
  await audits.listening(nobody).connected(engine)
  await until(() => existsSync(join(folder, AUDIT_WANTED)))
})
