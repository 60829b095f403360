import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { placeOf } from '../../src/cow/layer-place.ts'
import { expectNothing, scanLayer } from '../../src/cow/scan.ts'
import { overlayLayers, parseMounts } from '../../src/lib/mount-table.ts'
import { enterOwnMounts, mountOverlayByOptions, mountTmpfs, unmount } from './oracle/kernel-calls.ts'

enterOwnMounts()
const home = mkdtempSync('/var/tmp/paddock-many-')
mountTmpfs(home)
after(() => {
  unmount(home)
  rmSync(home, { recursive: true, force: true })
})

test('an overlay of 400 lower layers, mounted as new kernels do it, is read by what its mount table says', async () => {
  const lowers = Array.from({ length: 400 }, (_, index) => join(home, `lower:${index}`))
  for (const [index, lower] of lowers.entries()) {
    mkdirSync(join(lower, 'etc'), { recursive: true })
    writeFileSync(join(lower, `etc/only-${index}`), String(index))
    writeFileSync(join(lower, 'etc/every'), String(index))
  }
  const [upper, work, merged] = ['upper', 'work', 'merged'].map((name) => join(home, name)) as [
    string,
    string,
    string,
  ]
  for (const folder of [upper, work, merged]) mkdirSync(folder)
  mountOverlayByOptions(merged, [
    ...lowers.map((lower) => ['lowerdir+', lower] as const),
    ['upperdir', upper],
    ['workdir', work],
  ])
  after(() => {
    unmount(merged)
  })
  writeFileSync(join(merged, 'etc/only-399'), 'new')
  writeFileSync(join(merged, 'etc/only-7'), '7')
  rmSync(join(merged, 'etc/only-200'))
  writeFileSync(join(merged, 'etc/every'), '1')
  writeFileSync(join(merged, 'etc/new'), '')

  const mount = parseMounts(readFileSync('/proc/thread-self/mountinfo', 'latin1')).find(
    ({ target }) => target === merged,
  )
  const layers = overlayLayers(mount?.superOptions ?? '')
  assert.deepEqual(layers?.lowers, lowers)
  const found: string[] = []
  const report = await scanLayer(
    { ...placeOf(layers), merged },
    { expectation: expectNothing },
    ({ change }) => {
      found.push(`${change.kind} ${change.path} ${change.was?.sizeBytes ?? '-'}`)
    },
  )
  assert.deepEqual(found.sort(), [
    'added /etc/new -',
    'deleted /etc/only-200 3',
    'metadata /etc/only-7 1',
    'modified /etc/every 1',
    'modified /etc/only-399 3',
  ])
  assert.deepEqual(report.unreadable, [])
})
