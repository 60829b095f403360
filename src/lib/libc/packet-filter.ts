import { allocate, type Memory } from './library.ts'

/*
 * Classic BPF (include/uapi/linux/filter.h): a few instructions that the kernel runs on a system call's arguments (seccomp) or
 * on a datagram before it is queued. The kernel checks that they end.
 */

/** @param ifTrue how many instructions a jump leaves out */
export type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, operand: number]

/** Of a word of four bytes: seccomp's are in the machine's order, a datagram's big-endian. */
export const LOAD = 0x20
export const JUMP_IF_EQUAL = 0x15
export const JUMP_IF_GREATER_OR_EQUAL = 0x35
export const JUMP_IF_SET = 0x45
/** Compares with what `COPY` put aside. */
export const JUMP_IF_SAME = 0x1d
export const COPY = 0x07
export const RETURN = 0x06

const PROGRAM_AT = 16
const INSTRUCTION_BYTES = 8

/** struct sock_fprog at the memory's beginning, and behind it what it points to. */
export function packetFilter(instructions: readonly Instruction[]): Memory {
  const memory = allocate(4096)
  instructions.forEach(([code, ifTrue, ifFalse, operand], index) => {
    const at = PROGRAM_AT + index * INSTRUCTION_BYTES
    memory.bytes.writeUInt16LE(code, at)
    memory.bytes.writeUInt8(ifTrue, at + 2)
    memory.bytes.writeUInt8(ifFalse, at + 3)
    memory.bytes.writeUInt32LE(operand, at + 4)
  })
  memory.bytes.writeUInt16LE(instructions.length, 0)
  memory.bytes.writeBigUInt64LE(BigInt(memory.address + PROGRAM_AT), 8)
  return memory
}
