import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { deviceText, readMounts } from './mounts.ts'

describe('mounts', () => {
  test('a device number reads as the kernel writes it in mount tables', () => {
    assert.equal(deviceText(0x26), '0:38')
    assert.equal(deviceText(0x801), '8:1')
    // Of `makedev(259, 300)`: the minor's upper bits stand above the major.
    assert.equal(deviceText(0x1_0032c | (0x103 << 8) | (1 << 20)), '259:300')
    const root = readMounts('/proc', 'self').find(({ target }) => target === '/proc')
    assert.equal(deviceText(statSync('/proc').dev), root?.device)
  })

  test("whatever a container's mount table holds, reading it ends and throws nothing", (t) => {
    const proc = mkdtempSync(join(tmpdir(), 'paddock-mounts-'))
    t.after(() => rmSync(proc, { recursive: true }))
    mkdirSync(join(proc, '1'))
    const line = fc
      .array(
        fc.oneof(fc.string({ unit: 'binary', maxLength: 12 }), fc.constantFrom('-', '/', '0:38', '\\040')),
        {
          maxLength: 14,
        },
      )
      .map((fields) => fields.join(' '))
    fc.assert(
      fc.property(fc.array(line), fc.uint8Array({ maxLength: 64 }), (lines, bytes) => {
        writeFileSync(join(proc, '1/mountinfo'), Buffer.concat([Buffer.from(lines.join('\n')), bytes]))
        for (const mount of readMounts(proc, 1)) assert.equal(typeof mount.target, 'string')
      }),
      { numRuns: 300 },
    )
  })
})
