import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Examined } from '../../src/audit/doctor/examine.ts'

const program = join(import.meta.dirname, '../../src/bin/paddock.ts')

function doctor(
  wrapper: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): { byId: Record<string, Examined>; code: number | null } {
  const [command, ...args]: readonly string[] = [
    ...wrapper,
    process.execPath,
    program,
    'doctor',
    '--json',
    '--engine',
    'unix:///nonexistent/engine.sock',
  ]
  const { stdout, status, stderr } = spawnSync(command ?? '', args, {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  })
  assert.notEqual(stdout, '', stderr)
  const { abilities } = JSON.parse(stdout) as { abilities: Examined[] }
  return { byId: Object.fromEntries(abilities.map((ability) => [ability.id, ability])), code: status }
}

const kernel = [
  'sensor-self-test',
  'overlay',
  'layer-directory',
  'fanotify-overlay',
  'exec-deny',
  'ignore-marks',
  'evictable-marks',
  'layer-watch',
  'mount-marks',
  'process-connector',
  'proc',
]
const leftBehind = (): string[] => [
  ...readdirSync('/var/tmp').filter((name) => name.startsWith('paddock-doctor-')),
  ...readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('paddock-doctor ')),
]

test('as root every ability of the kernel is tried, found, and nothing stays behind', () => {
  const { byId, code } = doctor()
  assert.deepEqual(
    kernel.filter((id) => byId[id]?.status !== 'ok'),
    [],
    JSON.stringify(byId),
  )
  assert.equal(byId['permissions']?.status, 'ok')
  assert.equal(byId['engine']?.status, 'missing')
  assert.equal(code, 1)
  assert.deepEqual(leftBehind(), [])
})

test('without the right to administer, each ability that needs it is missing, with what is lost', () => {
  const { byId } = doctor([
    'setpriv',
    '--bounding-set',
    '-sys_admin,-net_admin',
    '--inh-caps',
    '-sys_admin,-net_admin',
  ])
  assert.equal(byId['permissions']?.detail, 'lacks CAP_NET_ADMIN, CAP_SYS_ADMIN')
  assert.equal(byId['overlay']?.status, 'missing')
  // Linux 6.6 lets everyone hear of processes.
  assert.deepEqual(
    kernel.filter((id) => id !== 'process-connector' && byId[id]?.status === 'ok'),
    [],
  )
  assert.ok(kernel.every((id) => byId[id]?.lost !== ''))
  assert.deepEqual(leftBehind(), [])
})

test('a state folder on a disk that cannot be written is told', () => {
  assert.equal(doctor([], { PADDOCK_STATE_DIR: '/sys/paddock' }).byId['disk']?.status, 'missing')
})
