/** One line of `/proc/<pid>/mountinfo` (proc(5)). Paths as in the text given. */
export interface MountEntry {
  readonly id: number
  /** "0:38" */
  readonly device: string
  /** What of the file system is mounted: "/" or a path within it. */
  readonly root: string
  readonly target: string
  readonly readOnly: boolean
  readonly fsType: string
  readonly superOptions: string
}

/**
 * @param text the file, as latin1 where its paths are to be bytes
 * @returns in the order of mounting; lines that are none are left out
 */
export function parseMounts(text: string): readonly MountEntry[] {
  const mounts: MountEntry[] = []
  for (const line of text.split('\n')) {
    const fields = line.split(' ')
    const dash = fields.indexOf('-', 6)
    const [id, , device, root, target, options] = fields
    if (dash === -1 || id === undefined || device === undefined || root === undefined) continue
    if (target === undefined || options === undefined) continue
    mounts.push({
      id: Number(id),
      device,
      root: unescapeOctal(root),
      target: unescapeOctal(target),
      readOnly: options.split(',').includes('ro'),
      fsType: fields[dash + 1] ?? '',
      superOptions: fields.slice(dash + 3).join(' '),
    })
  }
  return mounts
}

/** The kernel writes blanks, backslashes and newlines as three octal digits. */
export function unescapeOctal(text: string): string {
  return text.replace(/\\([0-3][0-7]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  )
}

/** Where an overlay's layers lie, top first, as its mount options name them; relative ones are not resolved. */
export interface OverlayLayers {
  readonly upper: string
  readonly lowers: readonly string[]
  /** Data-only layers: behind `::`, or named by `datadir+`. */
  readonly dataLowers: readonly string[]
  readonly usesUserXattrs: boolean
}

/** @returns null where nothing can be written: no upperdir */
export function overlayLayers(superOptions: string): OverlayLayers | null {
  let upper: string | undefined
  const lowers: string[] = []
  const dataLowers: string[] = []
  const options = superOptions.split(',')
  for (const option of options) {
    const equals = option.indexOf('=')
    const key = option.slice(0, equals)
    const value = unescapeOctal(option.slice(equals + 1))
    if (key === 'upperdir') upper = value
    if (key === 'lowerdir') {
      // A backslash takes what follows it literally, colons above all; `::` begins the data-only layers.
      const [merged = '', ...data] = splitUnescaped(value, '::')
      lowers.push(...splitUnescaped(merged, ':').map(unescapeBackslashes))
      dataLowers.push(...data.map(unescapeBackslashes))
    }
    // The mount interface since 6.5 names each layer by itself.
    if (key === 'lowerdir+') lowers.push(value)
    if (key === 'datadir+') dataLowers.push(value)
  }
  if (upper === undefined || lowers.length === 0) return null
  return { upper, lowers, dataLowers, usesUserXattrs: options.includes('userxattr') }
}

function splitUnescaped(text: string, separator: ':' | '::'): string[] {
  const parts: string[] = []
  let from = 0
  for (let at = 0; at < text.length;) {
    if (text[at] === '\\') at += 2
    else if (text.startsWith(separator, at)) {
      parts.push(text.slice(from, at))
      at += separator.length
      from = at
    } else at++
  }
  return [...parts, text.slice(from)]
}

function unescapeBackslashes(name: string): string {
  return name.replace(/\\([^])/g, '$1')
}
