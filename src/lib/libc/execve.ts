import { constants } from 'node:os'
import { allocate, declare } from './library.ts'

const execve = declare('execve', 'int', ['address', 'address', 'address'])
const execveat = declare('execveat', 'int', ['int', 'address', 'address', 'address', 'int'])

const { EINVAL, ENOEXEC } = constants.errno
const AT_FDCWD = -100
/** Since 6.14 (include/uapi/linux/fcntl.h): opens the file as for execution, with all that asks and denies, and runs nothing. */
export const AT_EXECVE_CHECK = 0x10000

/**
 * Asks the kernel whether a file that is no program may run: 0 when it may, -EPERM where a permission event was denied.
 * Kernels that cannot be asked are told to run it; a real program would then take this process's place: only for
 * files of our own with content that no kernel runs.
 */
export function askToRun(path: string): number {
  const checked = checkExecution(path)
  if (checked !== -EINVAL) return checked
  const memory = programAndArguments(path)
  const answer = execve(memory.address + 64, memory.address, memory.address + 16)
  return answer === -ENOEXEC ? 0 : answer
}

/** Whether this kernel says without running anything whether a program may run. */
export function canCheckExecution(): boolean {
  return checkExecution('/proc/self/exe') !== -EINVAL
}

function checkExecution(path: string): number {
  const memory = programAndArguments(path)
  return execveat(AT_FDCWD, memory.address + 64, memory.address, memory.address + 16, AT_EXECVE_CHECK)
}

/** An argv of one at 0, an empty environment at 16, the path at 64. */
function programAndArguments(path: string) {
  const memory = allocate(8192)
  memory.bytes.fill(0, 0, 64)
  memory.bytes[64 + memory.bytes.write(path, 64)] = 0
  memory.bytes.writeBigUInt64LE(BigInt(memory.address + 64), 0)
  return memory
}
