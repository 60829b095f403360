import { allocate, check, declare } from './library.ts'

/*
 * Extended attributes of what a descriptor names, opened with O_PATH or otherwise. The kernel takes no O_PATH
 * descriptor for them; through /proc/self/fd it goes to that very inode, and follows nothing.
 */

const getxattr = declare('getxattr', 'long', ['address', 'address', 'address', 'ulong'])
const setxattr = declare('setxattr', 'int', ['address', 'address', 'address', 'ulong', 'int'])
const removexattr = declare('removexattr', 'int', ['address', 'address'])

const ENODATA = -61
const ENOTSUP = -95

// The kernel's limit for a value, and room for two names.
const VALUE_BYTES = 65536
const memory = allocate(VALUE_BYTES + 1024)
const PATH = memory.address + VALUE_BYTES
const NAME = PATH + 64

function put(fd: number, name: string): void {
  memory.bytes.write(`/proc/self/fd/${fd}\0`, VALUE_BYTES, 'latin1')
  memory.bytes.write(`${name}\0`, VALUE_BYTES + 64, 'latin1')
}

/** The value of an attribute; null where it has none, or its file system knows none. */
export function attributeOf(fd: number, name: string): Buffer | null {
  put(fd, name)
  const size = getxattr(PATH, NAME, memory.address, VALUE_BYTES)
  if (size === ENODATA || size === ENOTSUP) return null
  return Buffer.from(memory.bytes.subarray(0, check(size, 'getxattr', name)))
}

/** Sets an attribute; null takes it away, where it is there. */
export function setAttribute(fd: number, name: string, value: Buffer | null): void {
  put(fd, name)
  if (value === null) {
    const answer = removexattr(PATH, NAME)
    if (answer !== ENODATA) check(answer, 'removexattr', name)
    return
  }
  value.copy(memory.bytes)
  check(setxattr(PATH, NAME, memory.address, value.length, 0), 'setxattr', name)
}
