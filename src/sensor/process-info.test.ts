import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { parseArgv, parseStat, parseUid, readLineage, readProcess, uidInside } from './process-info.ts'
import { procWith } from './proc.fixture.ts'

describe('what /proc tells of a process', () => {
  test('a command with blanks and parentheses does not shift what follows', () => {
    const proc = `7 (a) R 1 (b) S 5 ${Array.from({ length: 17 }, () => '0').join(' ')} 1234 0`
    assert.deepEqual(parseStat(proc), { command: 'a) R 1 (b', parentPid: 5, startTicks: 1234 })
    for (const none of ['', '7 sh S 1', '7 )sh( S 1']) assert.equal(parseStat(none), null)
  })

  test('the effective user counts, and its number inside a user namespace is found by the map', () => {
    assert.equal(parseUid('Name:\tx\nUid:\t0\t100033\t0\t0\n'), 100_033)
    const map = '         0     100000      65536\n'
    assert.equal(uidInside(map, 100_033), 33)
    assert.equal(uidInside(map, 33), null)
    assert.equal(uidInside(map, 200_000), null)
  })

  test('the way up ends at the init; one that does not pass it came by exec, and the engine is no ancestor', (t) => {
    const host = 'pid:[9]'
    const proc = procWith(
      [
        { pid: 2, parent: 1, command: 'containerd-shim', namespace: host },
        { pid: 10, parent: 2, command: 'init' },
        { pid: 11, parent: 10 },
        { pid: 12, parent: 11, command: 'x' },
        { pid: 20, parent: 2, command: 'exec' },
        { pid: 30, parent: 10, command: 'containerd-shim' },
        { pid: 31, parent: 30, command: 'x' },
        { pid: 40, parent: 11, command: 'unshare', namespace: 'pid:[5]' },
        { pid: 41, parent: 40, command: 'x', namespace: 'pid:[5]' },
      ],
      (act) => t.after(act),
    )
    const container = { pid: 10, pidNamespace: 'pid:[1]' }
    const inside = readLineage(proc, 12, container)
    assert.deepEqual([inside.processes.map(({ pid }) => pid), inside.byExec], [[12, 11, 10], false])
    const byExec = readLineage(proc, 20, container)
    assert.deepEqual([byExec.processes.map(({ pid }) => pid), byExec.byExec], [[20], true])
    const nested = readLineage(proc, 41, container)
    assert.deepEqual([nested.processes.map(({ pid }) => pid), nested.byExec], [[41, 40, 11, 10], false])
    const misnamed = readLineage(proc, 31, container)
    assert.deepEqual([misnamed.processes.map(({ pid }) => pid), misnamed.byExec], [[31, 30, 10], false])
    assert.equal(readProcess(proc, 99), null)
  })

  test('a circle of parents, or a line without end, does end', (t) => {
    const circle = procWith(
      [
        { pid: 5, parent: 6 },
        { pid: 6, parent: 5 },
      ],
      (act) => t.after(act),
    )
    assert.ok(readLineage(circle, 5, { pid: 2, pidNamespace: 'pid:[1]' }).processes.length <= 64)
  })

  test('whatever the bytes: nothing is thrown, and argv gives back what it was given', () => {
    const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array).toString('latin1'))
    const shaped = fc
      .tuple(fc.string({ unit: 'binary' }), fc.array(fc.oneof(fc.string(), fc.integer().map(String))))
      .map(([command, fields]) => Buffer.from(`1 (${command}) ${fields.join(' ')}`).toString('latin1'))
    fc.assert(
      fc.property(fc.oneof(bytes, shaped), fc.nat(), (any, uid) => {
        const stat = parseStat(any)
        if (stat !== null) assert.equal(typeof stat.command, 'string')
        parseUid(any)
        parseArgv(any)
        const inside = uidInside(any, uid)
        assert.ok(inside === null || typeof inside === 'number')
      }),
      { numRuns: 1000 },
    )
    fc.assert(
      fc.property(
        fc.array(
          fc.string({ unit: 'grapheme' }).filter((word) => !word.includes('\0')),
          { minLength: 1 },
        ),
        (words) => {
          assert.deepEqual(parseArgv(Buffer.from(`${words.join('\0')}\0`).toString('latin1')), words)
        },
      ),
    )
  })
})

test('arguments are those of the program that they are told of, though it starts the next meanwhile', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'paddock-exec-'))
  t.after(() => rmSync(folder, { recursive: true }))
  // As wrappers do: each starts the next in its place, and the last ends.
  writeFileSync(join(folder, 'first'), `exec /bin/dash ${folder}/second\n`)
  writeFileSync(join(folder, 'second'), `exec /bin/sed --quiet third ${folder}/first\n`)
  const expected = new Set(['bash first', 'dash second', 'sed --quiet'])
  const seen = new Set<string>()
  for (let times = 0; times < 400; times++) {
    const child = spawn('/bin/bash', [join(folder, 'first')], { stdio: 'ignore' })
    const ended = once(child, 'exit')
    for (let info = readProcess('/proc', child.pid ?? 0); ; info = readProcess('/proc', child.pid ?? 0)) {
      if (info === null || (info.exe === null && info.argv === null)) break
      // In the instant of a start there are no arguments yet; and before, it is a copy of this process.
      if (info.exe === null || info.argv === null || info.exe.path === process.execPath) continue
      seen.add(`${basename(info.exe.path)} ${basename(info.argv[1] ?? '')}`)
    }
    await ended
  }
  assert.deepEqual(seen, expected)
})
