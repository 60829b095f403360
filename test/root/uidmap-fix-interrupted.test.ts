import assert from 'node:assert/strict'
import {
  appendFileSync,
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { checkTenant } from '../../src/uidmap/check.ts'
import { applyFix, undoFix } from '../../src/uidmap/fix-apply.ts'
import { openFixLog, readFixLog } from '../../src/uidmap/fix-log.ts'
import { planFix } from '../../src/uidmap/fix-plan.ts'
import { openHost } from '../../src/uidmap/host.ts'
import type { Tenant } from '../../src/uidmap/tenant.ts'

/* A fix in whose middle the power failed: the log is whole, some entries are changed, one is half-way. */

const base = mkdtempSync('/var/tmp/paddock-uidmap-cut-')
chmodSync(base, 0o755)
mkdirSync(join(base, 'etc'))
after(() => {
  rmSync(base, { recursive: true })
})
const host = openHost(base, join(base, 'state'))
const map = [{ inside: 0, outside: 200_000, count: 65_536 }]
const NAMES = ['file', 'a', 'b', 'setuid']
let made = 0

function make(): string {
  const folder = join(base, `tree-${made++}`)
  mkdirSync(folder)
  for (const name of NAMES) {
    writeFileSync(join(folder, name), name)
    chownSync(join(folder, name), 33, 33)
  }
  chmodSync(join(folder, 'setuid'), 0o4755)
  return folder
}

function tenant(source: string): Tenant {
  return {
    name: 'web',
    running: true,
    maps: { uids: map, gids: map },
    people: [{ name: 'root', uid: 0, gid: 0, groups: [], overrides: true }],
    mounts: [{ type: 'bind', source, target: '/data', writable: true, propagation: '' }],
    runtimeOpensMounts: true,
    confined: true,
  }
}

const problemsOf = (folder: string) => checkTenant(tenant(folder)).flatMap(({ problems }) => problems)
const planOf = (folder: string) => planFix(tenant(folder), checkTenant(tenant(folder)), 'owner')

const states = (folder: string) =>
  ['', ...NAMES].map((name) => {
    const { uid, gid, mode } = lstatSync(join(folder, name))
    return `${uid}:${gid} ${mode.toString(8)}`
  })
const harmless = (all: readonly string[]) => all.map((state) => state.replace('104755', '100755'))

/** Changes so many entries, and of the next the owner, but not yet its mode; the last line of the log is torn. */
function interrupted(folder: string, done: number): string {
  const { changes } = planOf(folder)
  using log = openFixLog(host, `cut-${made++}`, changes)
  applyFix(changes.slice(0, done), log)
  const next = changes[done]
  if (next !== undefined) chownSync(join(folder, next.path), next.after.uid, next.after.gid)
  appendFileSync(log.file, '{"changed":4,"cti')
  return log.file
}

for (const done of [0, 2, 3, 5]) {
  test(`after ${done} entries: it is taken back by its log`, () => {
    const folder = make()
    const before = states(folder)
    const { skipped } = undoFix(readFixLog(interrupted(folder, done)))
    // A setuid file that was under way may have been written to: it comes back without that bit, and that is said.
    assert.deepEqual(states(folder), skipped.length === 1 ? harmless(before) : before)
    assert.ok(
      skipped.length <= 1 && skipped.every(({ why }) => why.includes('setuid bits')),
      JSON.stringify(skipped),
    )
  })

  test(`after ${done} entries: it is done again, and both are taken back`, () => {
    const folder = make()
    const before = states(folder)
    const first = interrupted(folder, done)
    const { changes } = planOf(folder)
    using second = openFixLog(host, `again-${made++}`, changes)
    assert.deepEqual(applyFix(changes, second).skipped, [])
    assert.deepEqual(problemsOf(folder), [])
    undoFix(readFixLog(second.file))
    undoFix(readFixLog(first))
    assert.deepEqual(harmless(states(folder)), harmless(before))
  })
}
