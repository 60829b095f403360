import { readFileSync } from 'node:fs'
import { mountIdOf } from './handle.ts'

/** Whether what the descriptor names lies on a mount, or a file system, that takes no writes (proc(5), mountinfo). */
export function isMountedReadOnly(fd: number): boolean {
  const id = String(mountIdOf(fd))
  const line = readFileSync('/proc/self/mountinfo', 'latin1')
    .split('\n')
    .map((one) => one.split(' '))
    .find(([first]) => first === id)
  if (line === undefined) return false
  const [, , , , , own = ''] = line
  return [own, line.at(-1) ?? ''].some((options) => options.split(',').includes('ro'))
}
