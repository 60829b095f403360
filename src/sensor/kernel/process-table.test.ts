import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createProcessTable } from './process-table.ts'

const CONTAINER = 'pid:[2]'

/** A `/proc` in which 10 is the container's init and 11 its child; 20 came by exec, from a shim; 30's parent is gone. */
function proc(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'paddock-proc-'))
  t.after(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'self/ns'), { recursive: true })
  symlinkSync('pid:[1]', join(folder, 'self/ns/pid'))
  for (const [pid, parent, command, namespace] of [
    [5, 1, 'containerd-shim', 'pid:[1]'],
    [10, 5, 'sh', CONTAINER],
    [11, 10, 'cp', CONTAINER],
    [20, 5, 'sh', CONTAINER],
    [30, 29, 'cp', CONTAINER],
  ] as const) {
    const at = join(folder, String(pid))
    mkdirSync(join(at, 'ns'), { recursive: true })
    writeFileSync(join(at, 'stat'), `${pid} (${command}) S ${parent} ${'0 '.repeat(17)}${pid} 0`)
    writeFileSync(join(at, 'status'), 'Uid:\t0\t0\t0\t0\n')
    writeFileSync(join(at, 'cmdline'), `${command}\0`)
    symlinkSync(namespace, join(at, 'ns/pid'))
  }
  return folder
}

const ID = 'a'.repeat(64)
const init = { pid: 10, pidNamespace: CONTAINER }

test('a lineage ends at the init, or where the engine came in; a parent that nobody saw is no exec', (t) => {
  const table = createProcessTable(proc(t))
  const lineage = (pid: number) => {
    const { processes = [], byExec } = table.lineage(pid, init) ?? {}
    return [processes.map((one) => one.pid), byExec]
  }
  assert.deepEqual(lineage(11), [[11, 10], false])
  assert.deepEqual(lineage(20), [[20], true])
  assert.deepEqual(lineage(30), [[30], null])
  assert.equal(table.lineage(29, init), null)
})

test('what was still the runtime when it was first seen is looked at again', (t) => {
  const folder = proc(t)
  const table = createProcessTable(folder)
  const stat = readFileSync(join(folder, '20/stat'), 'utf8')
  writeFileSync(join(folder, '20/stat'), stat.replace('(sh)', '(runc:[2:INIT])'))
  assert.equal(table.executed(20, ID)?.command, 'runc:[2:INIT]')
  writeFileSync(join(folder, '20/stat'), stat)
  assert.equal(table.lineage(20, init)?.processes[0]?.command, 'sh')
})

test('who came by exec is known though he and his parent are gone', (t) => {
  const folder = proc(t)
  const table = createProcessTable(folder)
  table.executed(20, ID)
  for (const pid of ['5', '20']) rmSync(join(folder, pid), { recursive: true })
  const who = table.lineage(20, init)
  assert.deepEqual([who?.processes.map(({ pid }) => pid), who?.byExec], [[20], true])
})

test('who came by exec and lost its parent is the child of the shim by then', (t) => {
  const folder = proc(t)
  const table = createProcessTable(folder)
  const stat = join(folder, '30/stat')
  const [before, after] = [29, 5].map((parent) => `30 (cp) S ${parent} ${'0 '.repeat(17)}30 0`)
  writeFileSync(stat, before ?? '')
  table.executed(30, ID)
  writeFileSync(stat, after ?? '')
  const who = table.lineage(30, init)
  assert.deepEqual([who?.processes.map(({ pid }) => pid), who?.byExec], [[30], true])
})

test('a process that is gone is remembered with who started it', (t) => {
  const folder = proc(t)
  const table = createProcessTable(folder)
  table.executed(10, ID)
  table.forked(12, 10)
  table.exited(12)
  assert.deepEqual(
    table.lineage(12, init)?.processes.map(({ pid, command }) => `${pid} ${command}`),
    ['12 sh', '10 sh'],
  )
})

test('before the init is known, a child that is gone leads up to it all the same', (t) => {
  const table = createProcessTable(proc(t))
  table.executed(10, ID)
  table.forked(12, 10)
  const who = table.lineage(12, null)
  assert.deepEqual([who?.processes.map(({ pid }) => pid), who?.byExec], [[12, 10], null])
})

test('a child is in the container of who forked it, until its number is another one or events were lost', (t) => {
  const table = createProcessTable(proc(t))
  assert.equal(table.containerOf(10), null)
  table.executed(10, ID)
  table.forked(12, 10)
  table.forked(13, 12)
  assert.deepEqual(
    [10, 12, 13].map((pid) => table.containerOf(pid)),
    [ID, ID, ID],
  )
  // Somebody outside of all containers.
  table.forked(13, 5)
  assert.equal(table.containerOf(13), null)
  table.missed()
  assert.deepEqual(
    [10, 12].map((pid) => table.containerOf(pid)),
    [null, null],
  )
})

test('who starts a program keeps the user it was forked with, unless it is told to have another', (t) => {
  const folder = proc(t)
  const table = createProcessTable(folder)
  const uid = (text: string): void => writeFileSync(join(folder, '11/status'), `Uid:\t0\t${text}\t0\t0\n`)
  table.executed(10, ID)
  table.forked(11, 10)
  uid('33')
  assert.equal(table.executed(11, ID)?.uid, 0)
  assert.equal(table.changedUser(11, ID)?.uid, 33)
  uid('0')
  assert.equal(table.executed(11, ID)?.uid, 33)
  table.missed()
  assert.equal(table.executed(11, ID)?.uid, 0)
})

test('what comes into a container from the host is read whole: it is another one inside', (t) => {
  const table = createProcessTable(proc(t))
  table.executed(5, ID)
  table.forked(20, 5)
  assert.equal(table.executed(20, ID)?.pidNamespace, CONTAINER)
})

test('who is read on its way out, after its end was told, is forgotten in time all the same', (t) => {
  let now = 0
  t.mock.method(performance, 'now', () => now)
  const folder = proc(t)
  const table = createProcessTable(folder)
  table.executed(10, ID)
  table.forked(11, 10)
  table.exited(11)
  // Not reaped yet: /proc still tells of it.
  assert.equal(table.executed(11, ID)?.pid, 11)
  rmSync(join(folder, '11'), { recursive: true })
  assert.equal(table.get(11)?.command, 'cp')
  now = 20_000
  table.exited(10)
  assert.equal(table.get(11), null)
})
