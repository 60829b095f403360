import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { committedList, importClosure, sensorPrograms } from '../../tools/closure.ts'

test('watch holds no rights: nothing of the engine, the layer directories, the sensor or the C library is in it', async () => {
  const closure = (await importClosure(['src/bin/watch.ts'])).trim().split('\n')
  assert.ok(closure.includes('src/alerts/store.ts'), 'the list is read')
  const forbidden = /^(src\/(engine|cow|sensor|lib\/libc)\/|package koffi$)/
  assert.deepEqual(
    closure.filter((name) => forbidden.test(name)),
    [],
  )
})

test('what runs as root is what src/sensor/closure.txt says; a line more is a decision (node tools/closure.ts --write)', async () => {
  const closure = await importClosure(sensorPrograms)
  assert.equal(closure, readFileSync(committedList, 'utf8'))
  const workers = [...closure.matchAll(/^src\/bin\/(.*)\.ts$/gm)].map(
    ([, name]) => `src/bin/${name ?? ''}.ts`,
  )
  assert.deepEqual(workers, [...sensorPrograms].sort())
  for (const away of [/^src\/(alerts|watch|cli)\//m, /^src\/engine\/writer\.ts$/m, /^package nodemailer$/m]) {
    assert.doesNotMatch(closure, away)
  }
})
