/** A path as one word of a POSIX shell or bash, whatever bytes are in it (`latin1`). */
export function shellQuote(bytes: string): string {
  if (/^[\w@%+=:,./-]+$/.test(bytes) && !bytes.startsWith('-')) return bytes
  if (/^[\x20-\x7e]*$/.test(bytes)) return `'${bytes.replaceAll("'", "'\\''")}'`
  const text = Buffer.from(bytes, 'latin1').toString('utf8')
  if (!/[\u0000-\u001f\u007f-\u009f\ufffd]|\p{Cf}|\p{Zl}|\p{Zp}/u.test(text))
    return `'${text.replaceAll("'", "'\\''")}'`
  const escaped = bytes.replace(
    /[^\w./-]/gs,
    (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
  return `$'${escaped}'`
}
