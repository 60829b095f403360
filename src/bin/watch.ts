#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { UserError } from '../lib/errors.ts'
import { printable } from '../lib/printable.ts'
import { becomeUser } from '../watch/become-user.ts'
import { startWatch } from '../watch/start.ts'

const { env } = process
// The database, the journal and the tokens are nobody else's to read.
process.umask(0o077)

try {
  const { values } = parseArgs({
    options: {
      listen: { type: 'string', default: '127.0.0.1:7411' },
      user: { type: 'string' },
      supervised: { type: 'boolean', default: false },
    },
  })
  const { user } = values
  // Loaded while its files can be read: without rights, those of a package in root's home cannot.
  if (user !== undefined) await import('nodemailer')
  const watch = await startWatch({
    stateDir: env['PADDOCK_STATE_DIR'] ?? '/var/lib/paddock',
    runDir: env['PADDOCK_RUN_DIR'] ?? '/run/paddock',
    configDir: env['PADDOCK_CONFIG_DIR'] ?? '/etc/paddock',
    listen: values.listen,
    onBug: (error) => {
      console.error(error)
    },
    giveUpRights() {
      if (user !== undefined) becomeUser(user)
    },
  })
  console.log(`paddock-watch: ${watch.url} (token in ${watch.tokenFile})`)
  let ending: PromiseLike<void> | null = null
  const end = () => {
    // Connections and timers end with it; then nothing keeps the process.
    ending ??= watch[Symbol.asyncDispose]()
    process.stdin.destroy()
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end)
  // Whoever supervises holds the other end.
  if (values.supervised) process.stdin.resume().once('end', end)
} catch (error) {
  if (!(error instanceof UserError) && !isUsage(error)) throw error
  const hint = error instanceof UserError && error.hint !== undefined ? `; ${error.hint}` : ''
  console.error(`paddock-watch: ${printable(error.message)}${printable(hint)}`)
  process.exitCode = 2
}

function isUsage(error: unknown): error is TypeError {
  return error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
}
