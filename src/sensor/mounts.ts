import { readFileSync } from 'node:fs'
import { type MountEntry, parseMounts } from '../lib/mount-table.ts'

export function readMounts(proc: string, pid: number | 'self'): readonly MountEntry[] {
  return parseMounts(readFileSync(`${proc}/${pid}/mountinfo`, 'latin1'))
}

/** "0:38" of a `stat` device number (include/linux/kdev_t.h, the user space encoding). */
export function deviceText(dev: number): string {
  const minor = (dev & 0xff) | ((dev >>> 12) & 0xfff00)
  return `${(dev >>> 8) & 0xfff}:${minor}`
}
