import { chownSync, existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DisablePlan } from './disable-plan.ts'
import type { EnablePlan } from './enable-plan.ts'
import { carryOut, clearLeftovers } from './file-edit.ts'
import type { Host } from './host.ts'
import type { HostFiles } from './host-files.ts'
import {
  type EnableRecord,
  keepBefore,
  makeStateFolder,
  type RecordedFile,
  removeEmpty,
  removeRecord,
  sha256,
  writeRecord,
} from './record.ts'

/**
 * Carries an enable plan out. What it takes to go back is on the disk before the first file changes, and an earlier
 * run that was cut off is taken up: what was before the first of them is what disable brings back.
 * @param dataRoot the engine's, whose group Docker will change; null where it is not known
 */
export function writeEnable(
  host: Host,
  { record }: Pick<HostFiles, 'record'>,
  plan: EnablePlan,
  daemonJson: string,
  dataRoot: string | null,
  written: (path: string) => void,
): void {
  const made = makeStateFolder(host)
  const known = new Map(record?.files.map((file) => [file.path, file]))
  for (const { path, before } of plan.edits) {
    if (!known.has(path) && before !== null) keepBefore(host, path, before)
    known.set(path, recorded(known.get(path), plan, path))
  }
  const folder = dirname(`${host.root}${daemonJson}`)
  const next: EnableRecord = {
    version: 1,
    user: plan.user,
    maps: plan.maps,
    daemonJson,
    valueBefore: record === null ? plan.valueBefore : record.valueBefore,
    files: [...known.values()],
    madeFolder: record === null ? (existsSync(folder) ? null : dirname(daemonJson)) : record.madeFolder,
    madeStateFolder: record === null ? made : record.madeStateFolder,
    dataRoot: record?.dataRoot ?? groupOf(dataRoot),
    complete: false,
  }
  writeRecord(host, next)
  try {
    carryOut(host, plan.edits, written)
  } catch (error) {
    // Nothing was changed.
    if (record === null) removeRecord(host, next.madeStateFolder)
    else writeRecord(host, record)
    throw error
  }
  if (record?.complete === false) clearLeftovers(host, pathsOf(next))
  writeRecord(host, { ...next, complete: true })
}

function recorded(earlier: RecordedFile | undefined, plan: EnablePlan, path: string): RecordedFile {
  const edit = plan.edits.find((one) => one.path === path)
  const added = plan.addedLines[path] ?? []
  return {
    path,
    existed: earlier?.existed ?? edit?.before !== null,
    writtenSha256: sha256(edit?.after ?? ''),
    addedLines: [...new Set([...(earlier?.addedLines ?? []), ...added])],
  }
}

function groupOf(folder: string | null): EnableRecord['dataRoot'] {
  if (folder === null) return null
  const gid = statSync(folder, { throwIfNoEntry: false })?.gid
  return gid === undefined ? null : { path: folder, gid }
}

/** Carries a disable plan out. The record goes last: until then every step can be done again. */
export function writeDisable(
  host: Host,
  { record }: Pick<HostFiles, 'record'>,
  plan: DisablePlan,
  written: (path: string) => void,
): void {
  carryOut(host, plan.edits, written)
  if (record === null) return
  clearLeftovers(host, pathsOf(record))
  if (record.madeFolder !== null) removeEmpty(`${host.root}${record.madeFolder}`)
  removeRecord(host, record.madeStateFolder)
}

function pathsOf({ files }: EnableRecord): string[] {
  return files.map(({ path }) => path)
}

/** Gives the data root the group that it had, where it has the mapped root's. Docker itself leaves it. */
export function restoreDataRoot(record: EnableRecord | null): void {
  const saved = record?.dataRoot ?? null
  if (record === null || saved === null) return
  const { path, gid } = saved
  const stat = statSync(path, { throwIfNoEntry: false })
  const mapped = record.maps.gids[0]?.outside
  if (stat === undefined || stat.gid === gid || stat.gid !== mapped) return
  chownSync(path, stat.uid, gid)
}
