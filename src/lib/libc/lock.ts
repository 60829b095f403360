import { constants } from 'node:os'
import { check, declare } from './library.ts'

const LOCK_EX = 2
const LOCK_NB = 4

const flock = declare('flock', 'int', ['int', 'int'])

/**
 * Takes the one lock of an open file (flock(2)); the kernel lets go of it when the descriptor's last copy is
 * closed, however its holder died.
 * @param subject the file's path, for the error
 * @returns false when another open file has it
 */
export function takeLock(fd: number, subject: string): boolean {
  const answer = flock(fd, LOCK_EX | LOCK_NB)
  if (answer === -constants.errno.EWOULDBLOCK) return false
  check(answer, 'flock', subject)
  return true
}
