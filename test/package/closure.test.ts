import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importClosure } from '../../tools/closure.ts'

test('watch holds no rights: nothing of the engine, the layer directories, the sensor or the C library is in it', async () => {
  const closure = (await importClosure('src/bin/watch.ts')).trim().split('\n')
  assert.ok(closure.includes('src/alerts/store.ts'), 'the list is read')
  const forbidden = /^(src\/(engine|cow|sensor|lib\/libc)\/|package koffi$)/
  assert.deepEqual(
    closure.filter((name) => forbidden.test(name)),
    [],
  )
})
