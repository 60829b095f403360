import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Fixture {
  readonly pid: number
  readonly parent: number
  readonly command?: string
  readonly namespace?: string
  /** Effective. */
  readonly uid?: number
}

/** A `/proc` with these processes. */
export function procWith(processes: readonly Fixture[], cleanUp: (act: () => void) => void): string {
  const proc = mkdtempSync(join(tmpdir(), 'paddock-proc-'))
  cleanUp(() => rmSync(proc, { recursive: true }))
  mkdirSync(join(proc, 'self/ns'), { recursive: true })
  symlinkSync('pid:[9]', join(proc, 'self/ns/pid'))
  for (const process of processes) putProcess(proc, process)
  return proc
}

/** Begins one, or makes another of it: its start stays the same. */
export function putProcess(
  proc: string,
  { pid, parent, command = 'sh', namespace = 'pid:[1]', uid = 33 }: Fixture,
): void {
  const folder = join(proc, String(pid))
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(join(folder, 'ns'), { recursive: true })
  const rest = Array.from({ length: 17 }, () => '0').join(' ')
  writeFileSync(join(folder, 'stat'), `${pid} (${command}) S ${parent} ${rest} ${pid * 10} 0`)
  writeFileSync(join(folder, 'status'), `Name:\tsh\nUid:\t0\t${uid}\t0\t0\n`)
  writeFileSync(join(folder, 'cmdline'), `${command}\0-c\0`)
  writeFileSync(join(folder, 'uid_map'), '         0          0 4294967295\n')
  symlinkSync(`/bin/${command.replaceAll('/', '_')}`, join(folder, 'exe'))
  symlinkSync(namespace, join(folder, 'ns/pid'))
}
