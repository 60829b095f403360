import { spawn } from 'node:child_process'

export interface Said {
  readonly ok: boolean
  /** Exit code and the end of what it printed. */
  readonly text: string
}

const MOST_OUTPUT_BYTES = 64 * 1024
const LIMIT_MS = 10 * 60_000

/**
 * Runs a shell command of the operator's on the host, in the network of a container: 127.0.0.1 is the container's,
 * and nothing of it is published anywhere.
 */
export function commandInNetwork(
  pid: number,
  command: string,
  folder: string,
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Said> {
  return inNetwork(pid, ['sh', '-c', command], folder, env, signal)
}

/** Speaks HTTP to a port. Whatever is answered is an answer: not every service speaks HTTP. */
export function askPort(pid: number, port: number, signal: AbortSignal): Promise<Said> {
  const script = `const s = require('node:net').connect(${port}, '127.0.0.1', () => s.write('GET / HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n'))
s.setTimeout(3000, () => { console.log('connected, no answer'); process.exit(0) })
s.once('data', (d) => { console.log(d.toString('latin1').split('\\n')[0].slice(0, 80)); process.exit(0) })
s.once('end', () => { console.log('connected, no answer'); process.exit(0) })
s.once('error', (e) => { console.log(e.message); process.exit(1) })`
  return inNetwork(pid, [process.execPath, '-e', script], '/', {}, signal)
}

function inNetwork(
  pid: number,
  argv: readonly string[],
  folder: string,
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Said> {
  return new Promise((resolve) => {
    const child = spawn('nsenter', [`--net=/proc/${pid}/ns/net`, '--', ...argv], {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
      timeout: LIMIT_MS,
    })
    let output = ''
    const keep = (piece: Buffer) => {
      output = (output + piece.toString('utf8')).slice(-MOST_OUTPUT_BYTES)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.on('error', (error) => {
      resolve({ ok: false, text: error.message })
    })
    child.on('close', (code, killed) => {
      const how = code === null ? `killed by ${killed ?? 'a signal'}` : `exit code ${code}`
      const last = output
        .replace(/[^\P{Cc}\n]/gu, '')
        .trim()
        .slice(-400)
      resolve({ ok: code === 0, text: last === '' ? how : `${how}: ${last}` })
    })
  })
}
