#!/usr/bin/env node
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { findEngines } from '../engine/connect.ts'
import { lateEngine } from '../engine/late.ts'
import { groupId } from '../lib/account.ts'
import { UserError } from '../lib/errors.ts'
import { printable } from '../lib/printable.ts'
import { openPolicyStore } from '../policy/store.ts'
import { confine } from '../sensor/confine.ts'
import { openKeeping } from '../sensor/keep.ts'
import type { SensorAnswers } from '../sensor/ports.ts'
import { startSensor } from '../sensor/sensor.ts'

const { env } = process
// Nothing that root's side makes is anybody else's to read.
process.umask(0o077)

const MiB = 1024 * 1024
const log = (line: string) => {
  console.error(`paddock-sensor: ${printable(line)}`)
}

try {
  const { values } = parseArgs({
    options: {
      engine: { type: 'string', multiple: true, default: [] },
      policy: { type: 'string' },
      exec: { type: 'string', default: 'alert' },
      group: { type: 'string', default: 'paddock' },
      'spool-mib': { type: 'string', default: '256' },
      'evidence-mib': { type: 'string', default: '1024' },
      supervised: { type: 'boolean', default: false },
    },
  })
  const { exec } = values
  if (exec !== 'alert' && exec !== 'deny') throw new UserError(`--exec is '${exec}', not alert or deny`)
  const parts = confine()
  const stateDir = resolve(env['PADDOCK_STATE_DIR'] ?? '/var/lib/paddock')
  const runDir = resolve(env['PADDOCK_RUN_DIR'] ?? '/run/paddock')
  const policyDir = resolve(values.policy ?? join(env['PADDOCK_CONFIG_DIR'] ?? '/etc/paddock', 'policy.d'))
  // Node starts no thread in a folder that somebody removed.
  process.chdir('/')
  const keeping = openKeeping({
    stateDir,
    runDir,
    groupId: groupId(values.group),
    spoolQuotaBytes: mebibytes('--spool-mib', values['spool-mib']),
    evidenceQuotaBytes: mebibytes('--evidence-mib', values['evidence-mib']),
    lastDeath: env['PADDOCK_SENSOR_DEATH'] ?? null,
    log,
  })
  const sensor = startSensor({
    engines: findEngines(values.engine, env, existsSync).map((path) => lateEngine(path)),
    policies: openPolicyStore(policyDir, { mustExist: values.policy !== undefined }),
    sink: keeping.sink,
    evidence: keeping.evidence,
    exec,
    folder: stateDir,
  })
  await keeping.serve(sensor.answers, parts)
  for (const { name, state, detail } of parts) if (state !== 'ok') log(`${name}: ${detail}`)
  void sensor.ready.then(() => {
    log(readyLine(sensor.answers))
  })

  let ending: Promise<void> | null = null
  // Whoever supervises may both say so and let go of the other end.
  const end = () => {
    ending ??= sensor.stop().then(() => keeping.close())
  }
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
  process.on('SIGHUP', () => {
    sensor.reload()
  })
  // Whoever supervises holds the other end; when it is gone nobody would start a dead sensor again.
  if (values.supervised) process.stdin.resume().once('end', end)
} catch (error) {
  if (!(error instanceof UserError) && !isUsage(error)) throw error
  log(`${error.message}${error instanceof UserError && error.hint !== undefined ? `; ${error.hint}` : ''}`)
  process.exitCode = 2
}

/** For who waits until it sees all. */
function readyLine(answers: SensorAnswers): string {
  const running = answers.containers().filter(({ state }) => state === 'running').length
  const { selfTest } = answers.status()
  const tested =
    selfTest?.ok === true
      ? 'the self-test was seen and denied'
      : `THE SELF-TEST FAILED: ${selfTest?.detail ?? 'not made'}`
  return `ready: ${running} running ${running === 1 ? 'container' : 'containers'} marked and swept, ${tested}`
}

function mebibytes(option: string, text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new UserError(`${option} is '${text}', not a number of MiB`)
  return Number(text) * MiB
}

function isUsage(error: unknown): error is TypeError {
  return error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
}
