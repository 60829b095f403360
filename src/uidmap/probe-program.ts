import { UserError } from '../lib/errors.ts'

interface Machine {
  /** e_machine of elf(5). */
  readonly code: number
  /** Machine instructions that wait for a signal, again and again. */
  readonly wait: readonly number[]
}

/** By Node's name for the architecture. */
const machines: Readonly<Record<string, Machine>> = {
  x64: {
    code: 62,
    // mov eax, 34 (pause); syscall; jmp to the start
    wait: [0xb8, 0x22, 0x00, 0x00, 0x00, 0x0f, 0x05, 0xeb, 0xf7],
  },
  arm64: {
    code: 183,
    // mov x0-x4, 0; mov x8, 73 (ppoll); svc 0; b to the start
    wait: [
      0x00, 0x00, 0x80, 0xd2, 0x01, 0x00, 0x80, 0xd2, 0x02, 0x00, 0x80, 0xd2, 0x03, 0x00, 0x80, 0xd2, 0x04,
      0x00, 0x80, 0xd2, 0x28, 0x09, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4, 0xf9, 0xff, 0xff, 0x17,
    ],
  },
}

const HEADER = 64
const SEGMENT = 56
const BASE = 0x400000

/**
 * A program of some 130 bytes that only waits. No registry may be in reach, and no image on an engine that starts
 * with an empty data root: what a container of it shows is the engine's doing alone.
 * @param architecture as `process.arch` names it
 */
export function waitingProgram(architecture: string): Buffer {
  const machine = machines[architecture]
  if (machine === undefined)
    throw new UserError(`cannot try the mapping in a container: Paddock has no program for ${architecture}`, {
      hint: "start a container and see its 'id map' in 'paddock uidmap status'",
    })
  const size = HEADER + SEGMENT + machine.wait.length
  const elf = Buffer.alloc(size)
  elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]) // ELF, 64 bits, little-endian, version 1
  elf.writeUInt16LE(2, 16) // an executable
  elf.writeUInt16LE(machine.code, 18)
  elf.writeUInt32LE(1, 20)
  elf.writeBigUInt64LE(BigInt(BASE + HEADER + SEGMENT), 24) // where it starts
  elf.writeBigUInt64LE(BigInt(HEADER), 32) // where its segments are told
  elf.writeUInt16LE(HEADER, 52)
  elf.writeUInt16LE(SEGMENT, 54)
  elf.writeUInt16LE(1, 56) // of which there is one: all of the file, readable and executable
  elf.writeUInt32LE(1, HEADER)
  elf.writeUInt32LE(5, HEADER + 4)
  elf.writeBigUInt64LE(BigInt(BASE), HEADER + 16)
  elf.writeBigUInt64LE(BigInt(BASE), HEADER + 24)
  elf.writeBigUInt64LE(BigInt(size), HEADER + 32)
  elf.writeBigUInt64LE(BigInt(size), HEADER + 40)
  elf.writeBigUInt64LE(0x1000n, HEADER + 48)
  elf.set(machine.wait, HEADER + SEGMENT)
  return elf
}

/** A tar archive of one executable file of root's (ustar). */
export function tarOf(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(512)
  header.write(name, 0)
  header.write('0000755\0', 100)
  header.write('0000000\0', 108)
  header.write('0000000\0', 116)
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124)
  header.write('00000000000\0', 136)
  header.write('        ', 148) // the checksum counts as blanks
  header.write('0', 156)
  header.write('ustar\0' + '00', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  const padding = Buffer.alloc((512 - (content.length % 512)) % 512)
  return Buffer.concat([header, content, padding, Buffer.alloc(1024)])
}
