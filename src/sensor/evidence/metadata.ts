import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { pathJson } from '../../lib/byte-path.ts'
import type { PathJson, ProcessRef } from '../../protocol/findings.ts'
import type { EvidenceMeta } from '../ports.ts'
import type { Captured } from './capture.ts'

/** Where and by whom this content was seen, beside it in `<sha256>.json`. */
export interface Metadata extends Captured {
  readonly version: 1
  /** The first `MAX_SIGHTINGS`, one for each container and path. */
  readonly sightings: readonly Sighting[]
}

interface Sighting {
  readonly at: string
  readonly container: string
  readonly path: PathJson
  readonly mode: string
  readonly uid: number
  readonly gid: number
  readonly mtime: string
  readonly processes: readonly ProcessRef[]
}

const MAX_SIGHTINGS = 16

export function firstSighting(captured: Captured, meta: EvidenceMeta): Metadata {
  return { version: 1, ...captured, sightings: [sighting(meta)] }
}

/** @returns null when there is nothing to add */
export function withSighting(metadata: Metadata, meta: EvidenceMeta): Metadata | null {
  const added = sighting(meta)
  const { sightings } = metadata
  const known = sightings.some(
    ({ container, path }) =>
      container === added.container &&
      path.path === added.path.path &&
      path.pathBase64 === added.path.pathBase64,
  )
  return known || sightings.length >= MAX_SIGHTINGS ? null : { ...metadata, sightings: [...sightings, added] }
}

export function readMetadata(path: string): Metadata {
  return JSON.parse(readFileSync(path, 'utf8')) as Metadata
}

/** @param temporary a path on the same file system that nobody else uses */
export function writeMetadata(path: string, metadata: Metadata, temporary: string): void {
  writeFileSync(temporary, `${JSON.stringify(metadata)}\n`, { mode: 0o400, flag: 'wx' })
  renameSync(temporary, path)
}

function sighting({ containerId, path, mode, uid, gid, mtimeNs, processes = [] }: EvidenceMeta): Sighting {
  return {
    at: new Date().toISOString(),
    container: containerId,
    path: pathJson(path),
    mode: mode.toString(8),
    uid,
    gid,
    mtime: isoTime(mtimeNs),
    processes,
  }
}

/** A file's time is what its owner says: it may lie beyond what a date can be. */
function isoTime(ns: bigint): string {
  const date = new Date(Number(ns / 1_000_000n))
  return Number.isNaN(date.getTime()) ? `${ns} ns` : date.toISOString()
}
