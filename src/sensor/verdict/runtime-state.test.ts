import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { unknownContainers } from './runtime-state.ts'

function stateRoot(
  cleanUp: (act: () => void) => void,
): (id: string, name: string, content: string | Uint8Array) => string {
  const root = mkdtempSync(join(tmpdir(), 'paddock-runtime-'))
  cleanUp(() => rmSync(root, { recursive: true }))
  return (id, name, content) => {
    mkdirSync(join(root, id), { recursive: true })
    writeFileSync(join(root, id, name), content)
    return root
  }
}

describe("a runtime's state folders", () => {
  test("runc's and crun's containers are found by their init; what is known is not looked at", (t) => {
    const put = stateRoot((act) => t.after(act))
    put('runc', 'state.json', JSON.stringify({ id: 'runc', init_process_pid: 41 }))
    put('known', 'state.json', JSON.stringify({ init_process_pid: 42 }))
    const root = put('crun', 'status', JSON.stringify({ pid: 43 }))
    const found = unknownContainers([root, `${root}/none`], (id) => id === 'known')
    assert.deepEqual(
      new Map(found.map(({ containerId, pid }) => [containerId, pid])),
      new Map([
        ['runc', 41],
        ['crun', 43],
      ]),
    )
  })

  test('one that has no process yet is left for later', (t) => {
    const put = stateRoot((act) => t.after(act))
    put('made', 'state.json', JSON.stringify({ init_process_pid: 0 }))
    const root = put('half', 'state.json', '{"init_process_p')
    assert.deepEqual(
      unknownContainers([root], () => false),
      [],
    )
  })

  test('whatever stands there, nothing is thrown, and every process id is one', (t) => {
    const put = stateRoot((act) => t.after(act))
    const content = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json().map((text) => Buffer.from(text)),
      fc
        .anything()
        .map((pid) =>
          Buffer.from(
            JSON.stringify({ init_process_pid: pid, pid }, (_, value: unknown) =>
              typeof value === 'bigint' ? String(value) : value,
            ),
          ),
        ),
    )
    fc.assert(
      fc.property(content, fc.constantFrom('state.json', 'status'), (bytes, name) => {
        const root = put('any', name, bytes)
        for (const { pid } of unknownContainers([root], () => false))
          assert.ok(Number.isSafeInteger(pid) && pid > 0)
      }),
      { numRuns: 300 },
    )
  })
})
