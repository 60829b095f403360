import { readdirSync, rmSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'

/** What the store remembers of each content. */
export interface Entry {
  readonly sizeBytes: number
  /** When it was last seen, milliseconds since the epoch. */
  keptAtMs: number
}

export const HASH = /^[0-9a-f]{64}$/

/** What the last life left, oldest first; what it did not finish is removed. */
export function loadEntries(
  folder: string,
  pins: string,
): { loose: Map<string, Entry>; pinned: Map<string, Entry> } {
  const entries: (Entry & { sha256: string })[] = []
  for (const prefix of readdirSync(folder).filter((name) => /^[0-9a-f]{2}$/.test(name))) {
    const names = new Set(readdirSync(join(folder, prefix)))
    for (const name of names) {
      const sha256 = name.replace(/\.json$/, '')
      const whole = HASH.test(sha256) && names.has(sha256) && names.has(`${sha256}.json`)
      if (!whole) rmSync(join(folder, prefix, name), { recursive: true })
      else if (name === sha256) {
        const { size, mtimeMs } = statSync(join(folder, prefix, name))
        entries.push({ sha256, sizeBytes: size, keptAtMs: mtimeMs })
      }
    }
  }
  entries.sort((a, b) => a.keptAtMs - b.keptAtMs)
  const wanted = new Set(readdirSync(pins))
  const loose = new Map<string, Entry>()
  const pinned = new Map<string, Entry>()
  for (const { sha256, ...entry } of entries) (wanted.delete(sha256) ? pinned : loose).set(sha256, entry)
  for (const name of wanted) rmSync(join(pins, name), { recursive: true })
  return { loose, pinned }
}

/** Brings a file to the disk, if it is still there. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r').catch(() => null)
  try {
    await file?.sync()
  } finally {
    await file?.close()
  }
}
