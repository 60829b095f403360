import assert from 'node:assert/strict'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setAttribute } from '../../src/lib/libc/attributes.ts'
import { checkDefaults, checkTenant } from '../../src/uidmap/check.ts'
import { identityMaps } from '../../src/uidmap/id-map.ts'
import type { Tenant } from '../../src/uidmap/tenant.ts'

/*
 * Labels as SELinux writes them, on a kernel that does not enforce it: what is tried is how Paddock reads and judges
 * them, and not SELinux itself. The types are those of container-selinux.
 */

const base = mkdtempSync('/var/tmp/paddock-selinux-')
after(() => {
  rmSync(base, { recursive: true })
})
const selinuxfs = join(base, 'selinux')
mkdirSync(selinuxfs)
const source = join(base, 'data')
mkdirSync(source)

function problems(
  label: string | null,
  enforce: string | null,
  change: Partial<Tenant> = {},
  writable = true,
) {
  const fd = openSync(source, 'r')
  setAttribute(fd, 'security.selinux', label === null ? null : Buffer.from(`${label}\0`))
  closeSync(fd)
  rmSync(join(selinuxfs, 'enforce'), { force: true })
  if (enforce !== null) writeFileSync(join(selinuxfs, 'enforce'), enforce)
  const tenant: Tenant = {
    name: 'web',
    running: true,
    maps: identityMaps,
    people: [{ name: 'root', uid: 0, gid: 0, groups: [], overrides: true }],
    mounts: [{ type: 'bind', source, target: '/data', writable, propagation: '' }],
    runtimeOpensMounts: true,
    confined: true,
    ...change,
  }
  return checkTenant(tenant, { ...checkDefaults, selinuxfs }).flatMap((report) =>
    report.problems.map(({ kind, why, mend }) => ({ kind, why, mend })),
  )
}

const HOME = 'unconfined_u:object_r:user_home_t:s0'
const OWN = 'system_u:object_r:container_file_t:s0:c1,c2'

test('where SELinux enforces, a source that containers may not write is named, with the command that labels it', () => {
  assert.deepEqual(problems(HOME, '1'), [
    {
      kind: 'selinux',
      why: `its SELinux label ${HOME} is not one that containers may write`,
      mend: `chcon -R -t container_file_t ${source}`,
    },
  ])
  assert.deepEqual(problems(OWN, '1'), [])
})

test('what containers may read is well enough for a mount that is read-only', () => {
  const shared = 'system_u:object_r:container_share_t:s0'
  assert.equal(problems(shared, '1').length, 1)
  assert.deepEqual(problems(shared, '1', {}, false), [])
})

test('no label is none that containers may use', () => {
  assert.match(problems(null, '1')[0]?.why ?? '', /SELinux label \(none\)/)
})

test('labels say nothing where SELinux is off or permissive, or the container is left out of it', () => {
  assert.deepEqual(problems(HOME, null), [])
  assert.deepEqual(problems(HOME, '0'), [])
  assert.deepEqual(problems(HOME, '1', { confined: false }), [])
})
