import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { setAttribute } from '../../src/lib/libc/attributes.ts'
import { accessOf, type Person } from '../../src/uidmap/access.ts'
import { ACCESS_XATTR, type AclEntry, serializeAcl } from '../../src/uidmap/acl.ts'
import { inodeOf, release } from '../../src/uidmap/handle.ts'
import type { IdMaps } from '../../src/uidmap/id-map.ts'

/*
 * What `accessOf` says is held against the kernel: files of every kind of owner, mode and ACL, asked for from inside a
 * user namespace by everyone who may live in one.
 */

const map = [{ inside: 0, outside: 200_000, count: 65_536 }]
const maps: IdMaps = { uids: map, gids: map }

const people: readonly Person[] = [
  { name: 'root', uid: 0, gid: 0, groups: [], overrides: true },
  { name: 'root without DAC_OVERRIDE', uid: 0, gid: 0, groups: [], overrides: false },
  { name: 'www-data', uid: 33, gid: 33, groups: [], overrides: false },
  { name: 'app', uid: 1000, gid: 1000, groups: [33, 44], overrides: false },
  { name: 'app in the group of root', uid: 1000, gid: 0, groups: [], overrides: false },
]

const ids = fc.constantFrom(0, 33, 44, 1000, 200_000, 200_033, 200_044, 201_000, 265_534, 300_000)
const permissions = fc.integer({ min: 0, max: 7 })
const named = fc.uniqueArray(
  fc.record({ tag: fc.constantFrom('user' as const, 'group' as const), id: ids, permissions }),
  { minLength: 1, maxLength: 4, selector: ({ tag, id }) => `${tag}${String(id)}` },
)
const acl = fc
  .tuple(named, fc.array(permissions, { minLength: 4, maxLength: 4 }))
  .map(([entries, [owner = 0, owningGroup = 0, mask = 0, other = 0]]): AclEntry[] => [
    ...entries,
    { tag: 'owner', id: null, permissions: owner },
    { tag: 'owningGroup', id: null, permissions: owningGroup },
    { tag: 'mask', id: null, permissions: mask },
    { tag: 'other', id: null, permissions: other },
  ])
const file = fc.record({
  uid: ids,
  gid: ids,
  mode: fc.integer({ min: 0, max: 0o777 }),
  isDirectory: fc.boolean(),
  acl: fc.option(acl, { nil: null }),
})

test('access is what the kernel grants in a user namespace', async () => {
  const folder = mkdtempSync('/var/tmp/paddock-access-')
  chmodSync(folder, 0o755)
  // The namespace lives as long as its standard input.
  const holder = spawn('unshare', ['--user', 'cat'], { stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    holder.stdin.write('here\n')
    await once(holder.stdout, 'data')
    for (const kind of ['uid_map', 'gid_map'])
      writeFileSync(`/proc/${String(holder.pid)}/${kind}`, '0 200000 65536\n')

    const files = fc.sample(file, { numRuns: 400, seed: 7 })
    const inodes = files.map((one, index) => make(join(folder, String(index)), one))
    for (const person of people) {
      const granted = askKernel(holder.pid ?? 0, folder, files.length, person)
      const said = inodes.map((inode) => accessOf(person, maps, inode))
      for (const [index, bits] of granted.entries())
        assert.equal(said[index], bits, `${person.name}: ${JSON.stringify(files[index])}`)
    }
  } finally {
    holder.stdin.end()
    rmSync(folder, { recursive: true })
  }
})

type Sample = typeof file extends fc.Arbitrary<infer T> ? T : never

function make(path: string, { uid, gid, mode, isDirectory, acl: list }: Sample) {
  if (isDirectory) mkdirSync(path)
  else writeFileSync(path, '')
  chownSync(path, uid, gid)
  chmodSync(path, mode)
  const fd = openSync(path, 0o10000000)
  if (list !== null) setAttribute(fd, ACCESS_XATTR, serializeAcl(list))
  const inode = inodeOf(fd)
  release(fd)
  return inode
}

function askKernel(
  pid: number,
  folder: string,
  count: number,
  { uid, gid, groups, overrides }: Person,
): number[] {
  const script =
    'i=0; while [ $i -lt $1 ]; do b=0; [ -r $i ] && b=$((b+4)); [ -w $i ] && b=$((b+2)); [ -x $i ] && b=$((b+1)); echo $b; i=$((i+1)); done'
  const become = [
    ...['setpriv', `--reuid=${String(uid)}`, `--regid=${String(gid)}`],
    groups.length === 0 ? '--clear-groups' : `--groups=${groups.join()}`,
    ...(overrides ? [] : ['--bounding-set=-dac_override,-dac_read_search', '--inh-caps=-all']),
  ]
  const enter = ['--user', `--target=${String(pid)}`, '--setuid=0', '--setgid=0']
  const output = execFileSync('nsenter', [...enter, ...become, 'sh', '-c', script, 'sh', String(count)], {
    cwd: folder,
    encoding: 'utf8',
  })
  return output.trim().split('\n').map(Number)
}
