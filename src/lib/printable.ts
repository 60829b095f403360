// C0 and C1 controls, line and paragraph separators, marks that reorder or hide text, lone surrogates.
const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\p{Cs}|[\u{e0000}-\u{e007f}]|\\/gu

const SHORT: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' }

/**
 * Text from a container, an engine or a file, made safe for a terminal and unambiguous to read:
 * whatever could move the cursor, change colours, reorder or hide text becomes a `\x1b` or `\u{202e}` escape.
 */
export function printable(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const short = SHORT[character]
    if (short !== undefined) return short
    const code = character.codePointAt(0) ?? 0
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`
  })
}
