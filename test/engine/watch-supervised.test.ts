import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startWatchCommand } from '../fixtures/running-watch.ts'
import { testEngine } from './harness.ts'

/* `paddock watch` as the one who looks after its two programs. */

function statusOf(pid: number): Record<string, string> {
  const lines = readFileSync(`/proc/${pid}/status`, 'latin1').split('\n')
  return Object.fromEntries(lines.map((line) => line.split(':\t') as [string, string]))
}

test('the sensor killed: told, started again within a second, and it denies again; watch killed: nothing is lost', async (t) => {
  const engine = await testEngine('docker', { own: true })
  const container = await engine.run({ name: 'supervised', labels: { 'paddock.exec': 'deny' } })
  const watch = await startWatchCommand(['--engine', engine.address], (act) => {
    t.after(act)
  })
  const before = watch.pidOf('sensor')
  assert.ok(before !== null)
  process.kill(before, 'SIGKILL')
  // The kernel lets all run while no sensor is there: the container goes on.
  await container.exec('true')
  const died = await watch.finding('the sensor that died', ({ reasons }) => reasons.includes('sensor-died'))
  const [from, to] = [died.details?.['from'], died.details?.['to']].map((at) => Date.parse(String(at)))
  t.diagnostic(`nobody looked for ${(to ?? 0) - (from ?? 0)} ms`)
  assert.match(died.summary, /SIGKILL/)
  for (let tries = 0; (watch.said().match(/sensor: ready/g) ?? []).length < 2 && tries < 600; tries += 1)
    await sleep(50)
  assert.equal(
    await container.exec('sh', '-c', 'cp /bin/busybox /busybox.again; /busybox.again echo it-ran; true'),
    '',
  )
  await watch.finding(
    'the denied program',
    ({ exec, path }) => exec?.verdict === 'denied' && path?.path === '/busybox.again',
  )

  const other = watch.pidOf('watch')
  assert.ok(other !== null)
  process.kill(other, 'SIGKILL')
  await container.exec('sh', '-c', 'echo x > /while-watch-was-dead')
  await watch.finding('the change meanwhile', ({ path }) => path?.path === '/while-watch-was-dead')
  for (let tries = 0; tries < 200; tries += 1) {
    const { stdout } = await watch.paddock('alerts', 'ls', '--json')
    if (stdout.includes('/while-watch-was-dead')) break
    await sleep(100)
  }
  assert.match((await watch.paddock('alerts', 'ls', '--json')).stdout, /while-watch-was-dead/)
  assert.equal(await watch.interrupt(), 1)
  // It closes its files once, not those that came to have their numbers.
  assert.doesNotMatch(watch.said(), /EBADF|cannot/)
})

test('what the two may do: the sensor keeps few capabilities and no network, watch is nobody', async (t) => {
  const engine = await testEngine('docker', { own: true })
  const watch = await startWatchCommand(['--engine', engine.address], (act) => {
    t.after(act)
  })
  const [sensor, other] = [watch.pidOf('sensor'), watch.pidOf('watch')]
  assert.ok(sensor !== null && other !== null)
  const seen = statusOf(sensor)
  const kept = new Set(
    ['CapInh', 'CapPrm', 'CapEff', 'CapBnd'].map((name) => BigInt(`0x${seen[name] ?? ''}`) & ~NEEDED),
  )
  assert.deepEqual([...kept], [0n], 'capabilities beyond those listed')
  assert.equal(seen['NoNewPrivs'], '1')
  assert.equal(seen['Seccomp'], '2')
  assert.equal(readFileSync(`/proc/${sensor}/task/${sensor}/children`, 'latin1'), '')
  const status = statusOf(other)
  assert.ok(
    status['Uid']?.split('\t').every((id) => Number(id) >= 61184),
    status['Uid'],
  )
  assert.ok(
    status['Gid']?.split('\t').every((id) => Number(id) >= 61184),
    status['Gid'],
  )
  assert.equal(status['Groups']?.trim(), '')
  assert.equal(BigInt(`0x${status['CapEff'] ?? ''}`), 0n)
  assert.equal(BigInt(`0x${status['CapPrm'] ?? ''}`), 0n)
  // Other test files use the engine too: 1 is what was found of theirs.
  assert.notEqual(await watch.interrupt(), 2)
})

test('paddock watch itself killed: its two programs end with it', async (t) => {
  const engine = await testEngine('docker', { own: true })
  const watch = await startWatchCommand(['--engine', engine.address], (act) => {
    t.after(act)
  })
  const pids = [watch.pidOf('sensor'), watch.pidOf('watch')]
  assert.ok(!pids.includes(null))
  await watch.kill()
  for (let tries = 0; pids.some((pid) => existsSync(`/proc/${pid ?? 0}`)) && tries < 600; tries += 1)
    await sleep(50)
  assert.deepEqual(
    pids.filter((pid) => existsSync(`/proc/${pid ?? 0}`)),
    [],
  )
})

/** CAP_… numbers of linux/capability.h, as src/sensor/README.md lists them. */
const NEEDED = [
  21, // SYS_ADMIN
  19, // SYS_PTRACE
  2, // DAC_READ_SEARCH
  1, // DAC_OVERRIDE
  3, // FOWNER
  28, // LEASE
  12, // NET_ADMIN
  23, // SYS_NICE
  0, // CHOWN
].reduce((bits, bit) => bits | (1n << BigInt(bit)), 0n)
