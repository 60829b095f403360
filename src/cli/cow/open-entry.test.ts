import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { bytePathFromText } from '../../lib/byte-path.ts'
import { UserError } from '../../lib/errors.ts'
import { openNamed } from './open-entry.ts'

/** Swaps a folder for a link and back, without end. */
const SWAP = `
const { mkdirSync, rmdirSync, symlinkSync, unlinkSync } = require('node:fs')
const { workerData } = require('node:worker_threads')
for (;;) { mkdirSync(workerData); rmdirSync(workerData); symlinkSync('/etc', workerData); unlinkSync(workerData) }
`

test('what changes while it is looked at is there, is not, or is one sentence; no link is followed', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'paddock-swap-'))
  const [upper, lower] = [join(folder, 'upper'), join(folder, 'lower')]
  for (const path of [upper, lower]) mkdirSync(path)
  writeFileSync(join(lower, 'file'), '')
  symlinkSync('/etc', join(lower, 'link'))
  const worker = new Worker(SWAP, { eval: true, workerData: join(upper, 'live') })
  t.after(async () => {
    await worker.terminate()
    rmSync(folder, { recursive: true })
  })
  const layer = {
    upper,
    lowers: [lower],
    dataLowers: [],
    merged: null,
    xattrPrefix: 'trusted.overlay.',
  } as const
  const sentences = new Set<string>()
  // On a busy machine the other thread may not run for long.
  for (let looks = 0; looks < 30_000 || (sentences.size === 0 && looks < 3_000_000); looks++) {
    try {
      using entry = openNamed(layer, 'now', bytePathFromText('/live/passwd'))
      assert.equal(entry, null)
    } catch (error) {
      assert.ok(error instanceof UserError, String(error))
      sentences.add(error.message)
    }
  }
  assert.deepEqual(
    [...sentences],
    ['cannot read /live/passwd: ENOTDIR: not a directory'],
    'the race was never on',
  )
})
