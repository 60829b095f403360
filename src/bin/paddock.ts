#!/usr/bin/env node
import { version } from '../lib/version.ts'

const argv = process.argv.slice(2)

if (Number.parseInt(process.versions.node) < 24) {
  process.stderr.write(`paddock: this is Node ${process.versions.node}, and Paddock needs 24 or later\n`)
  process.exitCode = 2
} else if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
  process.stdout.write(`paddock ${version}\n`)
} else {
  const { main } = await import('../cli/main.ts')
  const interrupted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      interrupted.abort()
    })
  // A reader that goes away (`paddock scan | head`) ends the program, not in an error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? 0 : 2)
  })
  const { stdout, stderr, env } = process
  process.exitCode = await main(argv, {
    // Opened by who reads it: that takes a tenth of Node's start.
    get stdin() {
      return process.stdin
    },
    stdout,
    stderr,
    env,
    signal: interrupted.signal,
  })
}
