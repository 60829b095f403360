import assert from 'node:assert/strict'
import { closeSync, existsSync, openSync } from 'node:fs'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { hasLoaderShape, isDynamicLoader } from './elf-loader.ts'

interface Header {
  readonly type: number
  readonly at: number
  readonly bytes: number
}

/** A 64-bit little-endian ELF file: its program headers, and a dynamic section where one of them says so. */
function elf({ type = 3, entry = 0x1000, headers = [] as Header[], tags = [] as number[] }): Buffer {
  const bytes = Buffer.alloc(1024)
  bytes.writeUInt32BE(0x7f454c46, 0)
  bytes.set([2, 1, 1], 4)
  bytes.writeUInt16LE(type, 16)
  bytes.writeBigUInt64LE(BigInt(entry), 24)
  bytes.writeBigUInt64LE(64n, 32)
  bytes.writeUInt16LE(56, 54)
  bytes.writeUInt16LE(headers.length, 56)
  headers.forEach((header, index) => {
    const at = 64 + 56 * index
    bytes.writeUInt32LE(header.type, at)
    bytes.writeBigUInt64LE(BigInt(header.at), at + 8)
    bytes.writeBigUInt64LE(BigInt(header.bytes), at + 32)
  })
  tags.forEach((tag, index) => bytes.writeBigUInt64LE(BigInt(tag), 512 + 16 * index))
  return bytes
}

const DYNAMIC: Header = { type: 2, at: 512, bytes: 160 }
const INTERP: Header = { type: 3, at: 480, bytes: 28 }
const SONAME = 14
const NEEDED = 1

function reader(file: Uint8Array): (into: Buffer, position: number) => number {
  return (into, position) => {
    // What `read` of a real file takes.
    assert.ok(Number.isSafeInteger(position))
    const piece = file.subarray(position, position + into.length)
    into.set(piece)
    return piece.length
  }
}

const isLoader = (file: Uint8Array) => hasLoaderShape(reader(file))

describe('dynamic loaders', () => {
  test('a shared object with a name and an entry point and no interpreter is one', () => {
    assert.ok(isLoader(elf({ headers: [DYNAMIC], tags: [NEEDED, SONAME] })))
  })

  test('a program, a library, a static program and a script are none', () => {
    assert.ok(!isLoader(elf({ headers: [INTERP, DYNAMIC], tags: [SONAME] })), 'it has an interpreter')
    assert.ok(!isLoader(elf({ entry: 0, headers: [DYNAMIC], tags: [SONAME] })), 'no entry point')
    assert.ok(!isLoader(elf({ headers: [DYNAMIC], tags: [NEEDED] })), 'no name')
    assert.ok(!isLoader(elf({ type: 2, headers: [DYNAMIC], tags: [SONAME] })), 'not shared')
    assert.ok(!isLoader(Buffer.from('#!/bin/sh\n'.padEnd(100))))
  })

  test("this machine's own is one, and its programs are none", () => {
    const of = (path: string): boolean => {
      const fd = openSync(path, 'r')
      try {
        return isDynamicLoader(fd)
      } finally {
        closeSync(fd)
      }
    }
    const loader = ['/lib64/ld-linux-x86-64.so.2', '/lib/ld-linux-aarch64.so.1'].find((path) =>
      existsSync(path),
    )
    assert.ok(loader !== undefined && of(loader))
    for (const path of ['/bin/sh', process.execPath]) assert.ok(!of(path), path)
  })

  test('whatever the bytes, it answers and throws nothing', () => {
    const number = fc.oneof(fc.nat(2048), fc.constantFrom(0xffff_ffff, 2 ** 60))
    const header = fc.record({ type: fc.nat(7), at: number, bytes: number })
    const shaped = fc
      .record({
        type: fc.constantFrom(2, 3),
        entry: fc.nat(9),
        headers: fc.array(header, { maxLength: 7 }),
        tags: fc.array(fc.nat(20), { maxLength: 20 }),
      })
      .map(elf)
    const spoilt = fc
      .tuple(shaped, fc.array(fc.tuple(fc.nat(1023), fc.nat(255)), { maxLength: 12 }))
      .map(([file, changes]) => {
        for (const [at, value] of changes) file[at] = value
        return file
      })
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), spoilt), (file) => {
        assert.equal(typeof isLoader(file), 'boolean')
      }),
      { numRuns: 2000 },
    )
  })
})
