import type { BigIntStats } from 'node:fs'
import { type BytePath, joinPath } from '../lib/byte-path.ts'
import { hasCode } from '../lib/errors.ts'
import { mountIdOf, namesIn, openEntry, release, statOf } from './handle.ts'

/** One entry below a mount's source. */
export interface TreeEntry {
  /** From the source: "/" is the source itself. */
  readonly path: BytePath
  /** Opened as a name only, valid until the next entry is asked for. */
  readonly fd: number
  readonly stat: BigIntStats
}

/** What a walk did not enter, and why: data beside the result. */
export interface Skipped {
  readonly path: BytePath
  readonly why: string
}

/** Deeper than any honest tree, and shallower than a process may have descriptors. */
const MAX_DEPTH = 400

/**
 * Walks a tree, each folder before what is in it. Never follows a link, never enters another mount, goes on where
 * something cannot be read. The tree may change under it, as containers run.
 * @param fd of its root, opened as a name only
 * @param skipped told what was not entered
 */
export function* walkTree(fd: number, skipped: (one: Skipped) => void): Generator<TreeEntry> {
  const mount = mountIdOf(fd)
  yield* visit({ path: '/' as BytePath, fd, stat: statOf(fd) }, 0)

  function* visit(entry: TreeEntry, depth: number): Generator<TreeEntry> {
    yield entry
    if (!entry.stat.isDirectory()) return
    if (depth === MAX_DEPTH) {
      skipped({ path: entry.path, why: `deeper than ${MAX_DEPTH} folders` })
      return
    }
    for (const name of namesOf(entry, skipped)) {
      const path = joinPath(entry.path, name)
      const child = open(entry.fd, name, path, skipped)
      if (child === null) continue
      try {
        if (mountIdOf(child) !== mount) skipped({ path, why: 'another mount lies there' })
        else yield* visit({ path, fd: child, stat: statOf(child) }, depth + 1)
      } finally {
        release(child)
      }
    }
  }
}

function* namesOf({ fd, path }: TreeEntry, skipped: (one: Skipped) => void): Generator<BytePath> {
  try {
    yield* namesIn(fd)
  } catch (error) {
    skipped({ path, why: systemWords(error) })
  }
}

function open(dir: number, name: BytePath, path: BytePath, skipped: (one: Skipped) => void): number | null {
  try {
    return openEntry(dir, name)
  } catch (error) {
    // Gone between the listing and now: not there is no news.
    if (!hasCode(error, 'ENOENT')) skipped({ path, why: systemWords(error) })
    return null
  }
}

function systemWords(error: unknown): string {
  if (error instanceof Error && 'code' in error) return error.message.replace(/, \w+ '.*$/s, '')
  throw error
}
