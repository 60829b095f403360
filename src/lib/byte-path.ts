import { isUtf8 } from 'node:buffer'

declare const brand: unique symbol

/**
 * A file name or path as the kernel has it: bytes, one per character (`latin1`), never decoded text.
 * Container paths are absolute, with `/` between names and no trailing slash; the root is `/`.
 */
export type BytePath = string & { readonly [brand]: 'BytePath' }

// Most names are ASCII, and a scan may tell hundreds of thousands.
const NOT_ASCII = /[^\0-\x7f]/

/** Bytes as the kernel gave them. */
export function bytePath(bytes: Uint8Array): BytePath {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1') as BytePath
}

/** A path that a person or a configuration file wrote, as UTF-8 text. */
export function bytePathFromText(text: string): BytePath {
  if (!NOT_ASCII.test(text)) return text as BytePath
  return Buffer.from(text, 'utf8').toString('latin1') as BytePath
}

export function pathBytes(path: BytePath): Buffer {
  return Buffer.from(path, 'latin1')
}

/** Joins a folder and one name. */
export function joinPath(folder: BytePath, name: string): BytePath {
  return (folder === '/' ? `/${name}` : `${folder}/${name}`) as BytePath
}

/** The path as text; bytes that are not UTF-8 become U+FFFD. Not escaped: see `printable` for terminals. */
export function pathText(path: BytePath): string {
  if (!NOT_ASCII.test(path)) return path
  return pathBytes(path).toString('utf8')
}

/** The JSON form of design.md: `path` as text, and `pathBase64` only where the name is not UTF-8. */
export function pathJson(path: BytePath): { path: string; pathBase64?: string } {
  if (!NOT_ASCII.test(path)) return { path }
  const bytes = pathBytes(path)
  if (isUtf8(bytes)) return { path: bytes.toString('utf8') }
  return { path: bytes.toString('utf8'), pathBase64: bytes.toString('base64') }
}

/** The inverse of `pathJson`. */
export function pathFromJson(json: { path: string; pathBase64?: string }): BytePath {
  return json.pathBase64 === undefined
    ? bytePathFromText(json.path)
    : bytePath(Buffer.from(json.pathBase64, 'base64'))
}
