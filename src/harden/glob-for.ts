/** A pattern that names this path; what would be a wildcard, or is not UTF-8, stands for itself by one. */
export function globFor(path: string): string {
  const text = Buffer.from(path, 'latin1').toString('utf8')
  return text.replace(/[\\*?[\]]/g, '?').replace(/\ufffd+/g, '*')
}
