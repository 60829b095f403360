import assert from 'node:assert/strict'
import { renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { UserError } from '../lib/errors.ts'
import { body, engine, folder, version } from './hostile-engine.fixture.ts'
import { lateEngine } from './late.ts'

test('an engine that is not there yet is an error each time it is asked, until it is there', async () => {
  const path = join(folder, 'late.sock')
  const late = lateEngine(path)
  for (let tries = 0; tries < 2; tries += 1) await assert.rejects(late.containers({ all: true }), UserError)
  renameSync(await engine({ '/version': version('1.41'), '/v1.41/containers': body('[]') }), path)
  assert.deepEqual(await late.containers({ all: true }), [])
})

test('an engine that came back as another version is spoken to in that version', async () => {
  const path = join(folder, 'upgraded.sock')
  const late = lateEngine(path)
  const event = (id: string) =>
    JSON.stringify({ Type: 'container', Action: 'start', Actor: { ID: id, Attributes: {} }, timeNano: 1 })
  for (const api of ['1.41', '1.45']) {
    renameSync(await engine({ '/version': version(api), [`/v${api}/events`]: body(`${event(api)}\n`) }), path)
    const ids: string[] = []
    for await (const { id } of late.events(new AbortController().signal)) {
      ids.push(id)
      break
    }
    assert.deepEqual(ids, [api])
    rmSync(path)
  }
})
