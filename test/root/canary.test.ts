import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { canaryIn, canaryOnOwnOverlay } from '../../src/cow/canary.ts'
import type { Layer } from '../../src/cow/change.ts'

const home = mkdtempSync('/var/tmp/paddock-canary-')
after(() => rmSync(home, { recursive: true, force: true }))

/** A layer whose merged view is the layer directory itself: what is written there is there. */
function layer(name: string, options: { looksElsewhere?: boolean } = {}): Layer & { merged: string } {
  const [upper = '', lower = '', elsewhere = ''] = ['upper', 'lower', 'elsewhere'].map((part) => {
    const path = join(home, name, part)
    mkdirSync(path, { recursive: true })
    return path
  })
  return {
    upper: options.looksElsewhere === true ? elsewhere : upper,
    lowers: [lower],
    dataLowers: [],
    merged: upper,
    xattrPrefix: 'trusted.overlay.',
  }
}

test('on a real overlay of its own it is seen, and nothing of it stays', async () => {
  const folder = join(home, 'own')
  assert.deepEqual(await canaryOnOwnOverlay(folder), { ok: true })
  assert.deepEqual(readdirSync(folder), [])
})

test('a scan that looks at the wrong directory is told from one that sees, and the file is taken away', async () => {
  const blind = layer('blind', { looksElsewhere: true })
  assert.deepEqual(await canaryIn(blind), { ok: false, error: 'the canary was written and not found' })
  assert.deepEqual(readdirSync(blind.merged), [])
})

test('an intruder who takes the canary away at once does not make the scan fall over', async () => {
  const watched = layer('tidied')
  const running = canaryIn(watched)
  // Written before the first await: what stands here now is what an intruder in the container would see.
  const written = readdirSync(watched.merged)
  assert.equal(written.length, 1)
  for (const name of written) rmSync(join(watched.merged, name))
  const result = await running
  assert.equal(typeof result.ok, 'boolean')
  assert.deepEqual(readdirSync(watched.merged), [])
})
