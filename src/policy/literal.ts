import { isUtf8 } from 'node:buffer'
import { pathBytes, type BytePath } from '../lib/byte-path.ts'

/**
 * A pattern that matches this very path and nothing else. Bytes that are no text become `?`, which stands for one byte
 * each: a name that is not UTF-8 cannot be written in a YAML file.
 */
export function literalGlob(path: BytePath): string {
  const text = isUtf8(pathBytes(path)) ? pathBytes(path).toString('utf8') : null
  const quotedText = (text ?? path).replace(/[\\*?[\]{}!]/g, '\\$&')
  return text === null ? quotedText.replace(/[\x80-\xff]/g, '?') : quotedText
}

/** Words that YAML takes for something else than text. */
const RESERVED = /^(?:true|false|yes|no|on|off|null|y|n)$/

/**
 * Text as a YAML scalar that stays on its line and is what it was, whatever it holds: plain where that is safe, else
 * in double quotes, with all escaped that could break the line, hide or reorder text.
 */
export function yamlText(text: string): string {
  return /^\/[\w./@+=-]*$/.test(text) || (/^[a-z][a-z0-9_-]*$/.test(text) && !RESERVED.test(text))
    ? text
    : quotedText(text)
}

/** The same, always in double quotes. */
export function quotedText(text: string): string {
  // YAML's double-quoted form holds JSON's.
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
