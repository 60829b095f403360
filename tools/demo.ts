import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { testEngine } from '../test/engine/harness.ts'
import { keeperVariable, startKeeper } from '../test/engine/keeper-client.ts'
import { setUp } from './setup.ts'

/*
 * `npm run demo`: two real containers on a private engine, an intruder in one of them, and what `paddock scan` says before and
 * after. It ends by itself with a verdict and removes all that it made.
 */

/** What the intruder does, and the path under which a scan must name it. */
const planted = [
  ["echo 'toor::0:0::/:/bin/sh' >> /etc/passwd", '/etc/passwd', 'gives himself an account'],
  ['cp /bin/busybox /tmp/.x && chmod 4755 /tmp/.x', '/tmp/.x', 'drops a program, setuid and hidden'],
  ['rm /etc/group', '/etc/group', 'deletes a file of the image'],
] as const

const policy = `match: { container: "*" }
expect:
  - /var/log/**
`

if (process.argv.length > 2) {
  console.error(
    `paddock: the demo cannot do '${process.argv.slice(2).join(' ')}': it takes no option yet; it ends by itself and removes what it made`,
  )
  process.exit(2)
}

setUp()
const state = mkdtempSync('/var/tmp/paddock-demo-')
const keeper = await startKeeper()
process.env[keeperVariable] = keeper.socket
try {
  process.exitCode = await demo()
} finally {
  rmSync(state, { recursive: true, force: true })
  await keeper.stop()
}

async function demo(): Promise<number> {
  say('A private engine and two containers, which may write to /var/log')
  const engine = await testEngine('docker')
  const web = await engine.run({ name: 'web' })
  const jobs = await engine.run({ name: 'jobs' })
  for (const container of [web, jobs])
    await container.exec('sh', '-c', 'mkdir -p /var/log/app && echo started > /var/log/app/log')
  const policyFile = join(state, 'policy.yaml')
  writeFileSync(policyFile, policy)
  const scan = ['scan', web.name, jobs.name, '--engine', engine.address, '--policy', policyFile]

  say('All is well: paddock scan')
  const before = await paddock(scan)
  process.stdout.write(before.out)

  say('An intruder is in web')
  for (const [command, , what] of planted) {
    process.stdout.write(`  ${what}: ${command}\n`)
    await web.exec('sh', '-c', command)
  }

  say('paddock scan')
  const after = await paddock(scan)
  process.stdout.write(after.out)

  const seen = planted.filter(([, path]) => after.out.includes(path)).length
  const well = before.code === 0 && after.code === 1 && seen === planted.length
  say(
    `Verdict: ${well ? 'seen' : 'NOT WELL'}: ${seen} of ${planted.length} of the intruder's changes found, ${before.code === 0 ? 'no' : 'a'} false alarm before`,
  )
  return well ? 0 : 1
}

function say(line: string): void {
  process.stdout.write(`\n== ${line}\n`)
}

async function paddock(args: readonly string[]): Promise<{ code: number | null; out: string }> {
  const child = spawn(process.execPath, ['src/bin/paddock.ts', ...args], {
    env: { ...process.env, PADDOCK_STATE_DIR: state },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const code = new Promise<number | null>((resolve) => child.once('close', resolve))
  return { out: await text(child.stdout), code: await code }
}
