/** What the first bytes of a file say that it is. */
const FORMS: readonly (readonly [form: string, offset: number, magic: string])[] = [
  ['ELF program', 0, '\x7fELF'],
  ['script', 0, '#!'],
  ['gzip', 0, '\x1f\x8b'],
  ['bzip2', 0, 'BZh'],
  ['xz', 0, '\xfd7zXZ\0'],
  ['zstd', 0, '\x28\xb5\x2f\xfd'],
  ['zip', 0, 'PK\x03\x04'],
  ['7z', 0, "7z\xbc\xaf'\x1c"],
  ['tar', 257, 'ustar'],
  ['ar or deb', 0, '!<arch>\n'],
  ['SQLite', 0, 'SQLite format 3\0'],
  ['Windows program', 0, 'MZ'],
  ['WebAssembly', 0, '\0asm'],
  ['Java class', 0, '\xca\xfe\xba\xbe'],
  ['PNG', 0, '\x89PNG\r\n'],
  ['JPEG', 0, '\xff\xd8\xff'],
  ['PDF', 0, '%PDF-'],
]

/** "ELF program", "gzip", … or "data": a hint for people, for an intruder may write any beginning. */
export function contentForm(head: Uint8Array): string {
  const text = Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString('latin1')
  return FORMS.find(([, offset, magic]) => text.startsWith(magic, offset))?.[0] ?? 'data'
}
