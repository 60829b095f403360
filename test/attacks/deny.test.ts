import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { testEngine } from '../engine/harness.ts'
import { attackImage } from './attack-image.ts'
import { sensorOn } from './sensor-under-test.ts'

/*
 * Every way of an intruder with root in the container to run a program that is not in the image, under `exec: deny`: so
 * many tries each, none of which may succeed. `PADDOCK_ATTACK_TRIES` is 1,000 in `npm run soak`.
 */

const TRIES = Number(process.env['PADDOCK_ATTACK_TRIES'] ?? '24')

interface Result {
  readonly tries: number
  readonly ran: number
  readonly denied: number
  readonly other: number
}

interface Attack {
  /** How many tries end otherwise than denied at most: the image's own program in the same place, ETXTBSY, a forbidden call. */
  readonly other: 'none' | 'some'
  /** Whether a finding must tell of it. */
  readonly told: boolean
}

const always: Attack = { other: 'none', told: true }
const raced: Attack = { other: 'some', told: false }

const attacks: Readonly<Record<string, Attack>> = {
  repeat: always,
  fresh_name: always,
  rename_race: raced,
  exchange_race: raced,
  hard_link: always,
  symbolic_link: always,
  overwrite_in_place: always,
  overwrite_by_rename: always,
  overwrite_again_and_again: always,
  overwrite_through_mmap: always,
  keep_mapped: raced,
  write_while_judged: raced,
  proc_self_fd: always,
  deleted_file: always,
  execveat_fd: always,
  shebang: always,
  through_loader: always,
  through_loader_script: always,
  through_loader_thread: always,
  setuid: always,
  setuid_of_image: always,
  elsewhere: always,
  engine_file: always,
  own_mount: { other: 'some', told: false },
  under_load: always,
  many_threads: always,
}

describe('under exec: deny', async () => {
  const engine = await testEngine('docker', { own: true })
  const image = await attackImage(engine)
  const under = await sensorOn(engine)
  after(() => under.stop())
  const container = await engine.run({
    name: 'victim',
    image,
    labels: { 'paddock.exec': 'deny' },
    args: [
      '--tmpfs=/scratch:exec',
      `--volume=${engine.prefix}volume:/volume`,
      '--tmpfs=/dev/shm:exec',
      // So that the attack by mount is not stopped by something else before.
      '--security-opt=seccomp=unconfined',
    ],
  })
  after(() => engine.cli('rm', '--force', '--volumes', container.id))

  for (const [name, attack] of Object.entries(attacks)) {
    test(`${name}: no try runs`, async () => {
      const told = under.findings.length
      const result = JSON.parse(
        await container.exec('python3', '/opt/attacks.py', name, String(TRIES)),
      ) as Result
      assert.equal(result.ran, 0, JSON.stringify(result))
      assert.ok(result.tries >= TRIES, JSON.stringify(result))
      if (attack.other === 'none') assert.equal(result.other, 0, JSON.stringify(result))
      if (attack.told)
        await under.finding(
          `${name}: a denied program`,
          (finding) => under.findings.indexOf(finding) >= told && finding.exec?.verdict === 'denied',
        )
    })
  }
})
