import { constants } from 'node:os'
import { getSystemErrorMap } from 'node:util'
import koffi from 'koffi'

/**
 * The only door to the C library, for the files of this folder alone; the rest of Paddock calls their functions.
 * Everything is passed as numbers: descriptors, flags, and addresses inside a `Memory`. A call from Node
 * costs about 1 µs more than the system call itself (measured, koffi 3.3).
 */
const libc = koffi.load(null)

/** What crosses: `int` and `uint` of 32 bits, `long` of 64, `address` of a `Memory` (or 0 for none). */
export type CType = 'int' | 'uint' | 'long' | 'ulong' | 'address'

type CValue<T extends CType> = T extends 'long' ? number | bigint : number

type CFunction<A extends readonly CType[]> = (...args: { [K in keyof A]: CValue<A[K]> }) => number

/**
 * Declares one function of the C library.
 * @returns a function that answers like the kernel itself: the result, or minus the error number
 */
export function declare<const A extends readonly CType[]>(
  name: string,
  result: 'int' | 'long',
  args: A,
): CFunction<A> {
  const call = libc.func(
    name,
    result,
    args.map((type) => (type === 'address' ? 'uintptr_t' : type)),
  ) as CFunction<A>
  return (...values) => {
    const answer = call(...values)
    return answer === -1 ? -koffi.errno() : answer
  }
}

/** Memory that both sides see. The address stays valid as long as the object is referenced. */
export interface Memory {
  readonly bytes: Buffer
  readonly address: number
}

/** @param sizeBytes at least 4096: V8 keeps only small arrays inside its heap, where they would move */
export function allocate(sizeBytes: number): Memory {
  if (sizeBytes < 4096) throw new RangeError(`a Memory of ${sizeBytes} bytes might be moved by the collector`)
  const bytes = Buffer.allocUnsafeSlow(sizeBytes)
  // User addresses have at most 47 bits on x86-64 and 48 (52 with LVA) on arm64: exact as a number.
  return { bytes, address: Number(koffi.address(bytes)) }
}

/**
 * The error of a failed call, in the shape of Node's own: `code`, `errno`, `syscall`, `path`.
 * @param answer minus the error number, as `declare`d functions give it
 * @param syscall "openat"
 * @param subject what it was called for, as text for people
 */
export function systemError(answer: number, syscall: string, subject: string): NodeJS.ErrnoException {
  const message = `${errorText(answer)}, ${syscall} '${subject}'`
  return Object.assign(new Error(message), {
    code: errorCode(answer),
    errno: answer,
    syscall,
    path: subject,
  })
}

/** "ENOENT" for -2. */
export function errorCode(answer: number): string {
  const name = Object.entries(constants.errno).find(([, number]) => number === -answer)
  return name?.[0] ?? `errno ${-answer}`
}

/** "ENOENT: no such file or directory" for -2. */
export function errorText(answer: number): string {
  return `${errorCode(answer)}: ${getSystemErrorMap().get(answer)?.[1] ?? 'unknown error'}`
}

/** Throws the system error of a failed call; passes a result on. */
export function check(answer: number, syscall: string, subject: string): number {
  if (answer < 0) throw systemError(answer, syscall, subject)
  return answer
}
