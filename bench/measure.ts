import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { text } from 'node:stream/consumers'

export interface Measured {
  /** Medians of the rounds. */
  readonly wallMs: number
  /** Processor time, user and system, of the command and all that it started. */
  readonly cpuMs: number
  /** The largest of the rounds. */
  readonly peakMiB: number
}

export interface Command {
  readonly argv: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** Processes of others that work for it, whose processor time counts too: an engine's daemon. */
  readonly helpers?: readonly number[]
  /** Which exit codes are no failure. */
  readonly codes?: readonly number[]
}

// Python's getrusage(RUSAGE_CHILDREN) tells of a child what Node does not: its processor time and its peak memory.
const WATCHER = `
import json, resource, subprocess, sys, time
# What ran before this very process became Python, as the shell scripts of pyenv do, is not the command's.
before = resource.getrusage(resource.RUSAGE_CHILDREN)
start = time.perf_counter()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
wall = time.perf_counter() - start
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"code": code, "wall": wall, "cpu": used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime, "peakKiB": used.ru_maxrss}))
`

/** Runs whole commands, output thrown away, in turns, so that what disturbs the machine disturbs all of them alike. */
export async function measureAll(
  commands: Readonly<Record<string, Command>>,
  rounds: number,
): Promise<ReadonlyMap<string, Measured>> {
  const runs = new Map<string, Measured[]>(Object.keys(commands).map((name) => [name, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const [name, command] of Object.entries(commands)) {
      const one = await runOnce(name, command)
      // The first fills the kernel's caches.
      if (round > 0) runs.get(name)?.push(one)
    }
  }
  return new Map([...runs].map(([name, all]) => [name, summary(all)]))
}

async function runOnce(name: string, { argv, env, helpers = [], codes = [0] }: Command): Promise<Measured> {
  const before = cpuOf(helpers)
  const child = spawn('python3', ['-c', WATCHER, ...argv], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
  const { code, wall, cpu, peakKiB } = JSON.parse(out) as Record<'code' | 'wall' | 'cpu' | 'peakKiB', number>
  if (!codes.includes(code)) throw new Error(`${name} ended with ${code}: ${err}`)
  return { wallMs: wall * 1000, cpuMs: cpu * 1000 + cpuOf(helpers) - before, peakMiB: peakKiB / 1024 }
}

/** In ms; Linux counts it in ticks of 10 ms. */
function cpuOf(pids: readonly number[]): number {
  const ticks = pids.map((pid) => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return Number(fields[11]) + Number(fields[12])
  })
  return ticks.reduce((sum, one) => sum + one, 0) * 10
}

function summary(runs: readonly Measured[]): Measured {
  const median = (of: (one: Measured) => number) =>
    runs.map(of).sort((one, other) => one - other)[Math.floor(runs.length / 2)] ?? Number.NaN
  return {
    wallMs: median(({ wallMs }) => wallMs),
    cpuMs: median(({ cpuMs }) => cpuMs),
    peakMiB: Math.max(...runs.map(({ peakMiB }) => peakMiB)),
  }
}

/** "Intel …, 2 cores, 8 GiB, Linux 6.18.5, Node 24.4.0, load 0.3 at the end": what every table begins with. */
export function machine(): string {
  const [load = '?'] = readFileSync('/proc/loadavg', 'utf8').split(' ')
  const kernel = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim()
  const model = cpus()[0]?.model ?? 'unknown processor'
  const memory = Math.round(totalmem() / 2 ** 30)
  return `${model}, ${cpus().length} cores, ${memory} GiB, Linux ${kernel}, Node ${process.versions.node}; load average ${load} at the end`
}
