import { allocate, declare } from './library.ts'

const setAffinity = declare('sched_setaffinity', 'int', ['int', 'ulong', 'address'])
const getAffinity = declare('sched_getaffinity', 'int', ['int', 'ulong', 'address'])

const MASK_BYTES = 1024
const memory = allocate(4096)
const SELF = 0

/**
 * Moves the calling thread to each of these processors in turn, and back to those it may use. When this returns, whatever
 * thread ran on one of them has been off it meanwhile: the scheduler had to switch to this one.
 */
export function visitProcessors(processors: Iterable<number>): void {
  const { bytes, address } = memory
  const mine = address + MASK_BYTES
  if (getAffinity(SELF, MASK_BYTES, mine) < 0) return
  for (const processor of processors) {
    if (processor < 0 || processor >= MASK_BYTES * 8) continue
    bytes.fill(0, 0, MASK_BYTES)
    bytes[processor >>> 3] = 1 << (processor & 7)
    setAffinity(SELF, MASK_BYTES, address)
  }
  setAffinity(SELF, MASK_BYTES, mine)
}
