import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Container } from '../engine/reader.ts'
import { UserError } from '../lib/errors.ts'
import { locateLayer } from './locate.ts'

const home = realpathSync(mkdtempSync(join(tmpdir(), 'paddock-locate-')))
after(() => rmSync(home, { recursive: true, force: true }))

const id = 'ab'.repeat(32)
const pid = 4711

/** What locating reads of a container. */
function container(parts: Partial<Container>): Container {
  return { id, name: 'web', state: 'running', pid, graphDriver: null, mounts: [], ...parts } as Container
}

interface Proc {
  readonly mountinfo: readonly string[]
  readonly cgroup?: string
}

let count = 0

/** A fixture of `/proc` with one process, and a data root with a layer, as overlay2 lays it out. */
function host({ mountinfo, cgroup = `0::/docker/${id}` }: Proc) {
  const own = join(home, String(count++))
  const driver = join(own, 'data/overlay2')
  for (const folder of ['up/diff', 'low1/diff', 'low2/diff', 'other/diff', 'l'])
    mkdirSync(join(driver, folder), { recursive: true })
  symlinkSync('../low1/diff', join(driver, 'l/AAAA'))
  symlinkSync('../low2/diff', join(driver, 'l/BBBB'))
  mkdirSync(join(own, 'proc', String(pid)), { recursive: true })
  const put = (name: string, text: string) => writeFileSync(join(own, 'proc', String(pid), name), text)
  put('stat', `${pid} (a) b) S ${Array.from({ length: 30 }, (_, field) => field).join(' ')}`)
  put('mountinfo', mountinfo.map((line) => `${line.replaceAll('DRIVER', driver)}\n`).join(''))
  put('cgroup', cgroup)
  return { proc: join(own, 'proc'), driver, stateDir: join(own, 'state') }
}

const overlay = (upper: string, lower = 'l/AAAA:l/BBBB') =>
  `700 600 0:50 / / rw,relatime - overlay overlay rw,lowerdir=${lower},upperdir=${upper},workdir=DRIVER/up/work`

const graphDriver = (driver: string) => ({
  name: 'overlay2',
  data: { UpperDir: `${driver}/up/diff`, LowerDir: `${driver}/low1/diff:${driver}/low2/diff` },
})

test('a running container lies where its own root is mounted, short names resolved', () => {
  const { proc, driver } = host({
    mountinfo: [overlay('DRIVER/up/diff'), '701 700 0:51 / /proc rw - proc proc rw'],
  })
  const { engineMade: _, ...layer } = locateLayer(container({}), { proc })
  assert.deepEqual(layer, {
    upper: `${driver}/up/diff`,
    lowers: [`${driver}/low1/diff`, `${driver}/low2/diff`],
    dataLowers: [],
    merged: `/proc/${pid}/root`,
    xattrPrefix: 'trusted.overlay.',
  })
})

test('with very many layers even the layer directory is named by a relative path', () => {
  const { proc, driver } = host({ mountinfo: [overlay('up/diff')] })
  const layer = locateLayer(container({ graphDriver: graphDriver(driver) }), { proc })
  assert.equal(layer.upper, `${driver}/up/diff`)
  assert.deepEqual(layer.lowers, [`${driver}/low1/diff`, `${driver}/low2/diff`])
  assert.equal(layer.merged, `/proc/${pid}/root`)
})

test('hundreds of layers, each named by itself', () => {
  const lowers = Array.from({ length: 400 }, (_, index) => `lowerdir+=DRIVER/l${index}`).join(',')
  const { proc, driver } = host({
    mountinfo: [`7 6 0:5 / / rw - overlay overlay rw,${lowers},upperdir=DRIVER/up/diff,userxattr`],
  })
  const layer = locateLayer(container({}), { proc })
  assert.equal(layer.lowers.length, 400)
  assert.equal(layer.lowers[399], `${driver}/l399`)
  assert.equal(layer.xattrPrefix, 'user.overlay.')
})

test('a container that covers its root with a mount of its own leads nobody astray', () => {
  const mountinfo = [
    overlay('DRIVER/up/diff'),
    overlay('DRIVER/other/diff'),
    '9 7 0:9 / / rw - tmpfs tmpfs rw',
  ]
  const { proc, driver } = host({ mountinfo })
  for (const parts of [{}, { graphDriver: graphDriver(driver) }]) {
    const layer = locateLayer(container(parts), { proc })
    assert.equal(layer.upper, `${driver}/up/diff`)
    assert.equal(layer.merged, null, 'what is written through its root would not reach the layer directory')
  }
})

test('the engine is believed over a mount table that does not show its layer at all', () => {
  const { proc, driver } = host({ mountinfo: [overlay('DRIVER/other/diff')] })
  const layer = locateLayer(container({ graphDriver: graphDriver(driver) }), { proc })
  assert.equal(layer.upper, `${driver}/up/diff`)
  assert.equal(layer.merged, null)
})

test('a process number that is another container by now is not taken for this one', () => {
  const { proc, driver } = host({
    mountinfo: [overlay('DRIVER/other/diff')],
    cgroup: `0::/docker/${'cd'.repeat(32)}`,
  })
  assert.throws(() => locateLayer(container({}), { proc }), /process 4711 is another's by now/)
  const layer = locateLayer(container({ graphDriver: graphDriver(driver) }), { proc })
  assert.equal(layer.merged, null)
})

test('a stopped container lies where the graph driver says', () => {
  const { proc, driver } = host({ mountinfo: [] })
  const stopped = container({ pid: 0, state: 'exited', graphDriver: graphDriver(driver) })
  assert.deepEqual(locateLayer(stopped, { proc }).lowers, [`${driver}/low1/diff`, `${driver}/low2/diff`])
  assert.equal(locateLayer(stopped, { proc }).merged, null)
})

test('where the engine tells of running containers only, what was seen is remembered', () => {
  const { proc, driver, stateDir } = host({ mountinfo: [overlay('DRIVER/up/diff')] })
  const stopped = container({ pid: 0, state: 'exited' })
  assert.throws(() => locateLayer(stopped, { proc, stateDir }), /tells where that lies only while it runs/)
  const running = locateLayer(container({}), { proc, stateDir })
  assert.deepEqual(locateLayer(stopped, { proc, stateDir }), { ...running, merged: null })

  rmSync(`${driver}/up`, { recursive: true })
  mkdirSync(`${driver}/new`)
  mkdirSync(`${driver}/up/diff`, { recursive: true })
  assert.throws(
    () => locateLayer(stopped, { proc, stateDir }),
    /only while it runs/,
    'another directory at the same path is not its own',
  )
})

test('a storage driver without layer directories is said to be one', () => {
  const { proc } = host({ mountinfo: ['7 6 8:1 /data/vfs/dir/x / rw - ext4 /dev/sda rw'] })
  const error = (parts: Partial<Container>) => {
    try {
      locateLayer(container(parts), { proc })
    } catch (thrown) {
      assert.ok(thrown instanceof UserError)
      return thrown.message
    }
    return ''
  }
  assert.match(error({}), /its root lies on ext4, which has no layer directory/)
  const vfs = { name: 'vfs', data: { Dir: '/x' } }
  assert.match(error({ pid: 0, graphDriver: vfs }), /storage driver vfs has no layer directory/)
})

test('a layer directory that is not there is one sentence', () => {
  const { proc, driver } = host({ mountinfo: [] })
  const told = { name: 'overlay2', data: { UpperDir: `${driver}/gone`, LowerDir: `${driver}/low1/diff` } }
  assert.throws(() => locateLayer(container({ pid: 0, graphDriver: told }), { proc }), /gone is not there/)
})
