import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { release } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { format } from 'prettier'
import { examine } from '../../src/audit/doctor/examine.ts'
import { kernelAbilities } from '../../src/audit/doctor/kernel-abilities.ts'
import { setUp } from '../../tools/setup.ts'
import { boot, type Guest, type Said } from './boot.ts'
import { makeDisk, makeInitramfs } from './guest-disk.ts'
import { guestTests } from './guest-tests.ts'
import { fetchKernel, suites } from './kernel-package.ts'
import { kernelTable } from './table.ts'

/* `npm run test:kernels`: the same code on Debian's kernels, under QEMU, and what each gives in docs/kernels.md. */

setUp({ kernels: true })
const folder = mkdtempSync('/var/tmp/paddock-kernels-')
after(() => rmSync(folder, { recursive: true }))
const disk = makeDisk(folder)
const guests: Guest[] = []

for (const suite of suites) {
  test(`Debian ${suite}`, async (t) => {
    const kernel = fetchKernel(suite)
    const guest = await boot(kernel, makeInitramfs(folder, kernel), disk)
    assert.equal(guest.release, kernel.version, guest.console)
    // An ability that a kernel lacks is told in the table; each must have been tried.
    assert.deepEqual(
      abilities(guest.said),
      kernelAbilities.map(({ id }) => id),
    )
    assert.deepEqual(
      guest.said.filter(({ kind }) => kind === 'test').map(({ name }) => name),
      Object.keys(guestTests),
      guest.console,
    )
    // Only what was tried whole goes onto the page.
    guests.push(guest)
    for (const { kind, name, ok, detail } of guest.said)
      if (kind === 'test') await t.test(name, () => assert.ok(ok, detail))
  })
}

after(async () => {
  const here = await examine({ stateDir: '/var/tmp', engine: null, engineProblem: 'not asked' })
  const said = here.map(({ id, status, detail }): Said => ({
    kind: 'ability',
    name: id,
    ok: status === 'ok',
    detail,
  }))
  const page = kernelTable([...guests, { release: release(), said }])
  if (guests.length < suites.length) return
  writeFileSync(
    join(import.meta.dirname, '../../docs/kernels.md'),
    await format(page, { parser: 'markdown' }),
  )
})

function abilities(said: readonly Said[]): string[] {
  const kernels = new Set(kernelAbilities.map(({ id }) => id))
  return said.filter(({ kind, name }) => kind === 'ability' && kernels.has(name)).map(({ name }) => name)
}
