import { allocate, declare } from './library.ts'

const nameToHandle = declare('name_to_handle_at', 'int', ['int', 'address', 'address', 'address', 'int'])

const AT_EMPTY_PATH = 0x1000
const MAX_HANDLE_BYTES = 128
const HEAD_BYTES = 8
const EMPTY_PATH_AT = 1024
const MOUNT_ID_AT = 1032

const memory = allocate(4096)

/** A file's handle: the same for the same file for as long as it exists, unlike its number never used again. */
export interface FileHandle {
  /** Without the head. */
  readonly data: Buffer
  /** The whole struct file_handle as a latin1 string, as FID events carry it. */
  readonly key: string
}

/** Of what an open descriptor refers to; null where the file system has none. */
export function fileHandle(fd: number): FileHandle | null {
  memory.bytes.writeUInt32LE(MAX_HANDLE_BYTES, 0)
  memory.bytes[EMPTY_PATH_AT] = 0
  const { address } = memory
  if (nameToHandle(fd, address + EMPTY_PATH_AT, address, address + MOUNT_ID_AT, AT_EMPTY_PATH) < 0)
    return null
  const end = HEAD_BYTES + memory.bytes.readUInt32LE(0)
  return {
    data: Buffer.from(memory.bytes.subarray(HEAD_BYTES, end)),
    key: memory.bytes.toString('latin1', 0, end),
  }
}
