import { structuredPatch } from 'diff'

/** One run of lines that differ, with what stands around them. */
export interface Hunk {
  /** From 1; 0 where there are none on that side. */
  readonly wasStart: number
  readonly wasLines: number
  readonly nowStart: number
  readonly nowLines: number
  /** Each with ' ', '-', '+' or '\' in front; bytes, one per character. */
  readonly lines: readonly string[]
}

/** More edits than a person would read. */
const MOST_EDITS = 2000
const LONGEST_MS = 2000

/**
 * A unified diff of two texts, line by line, with three lines around.
 * @param was bytes, one per character; null where there was no file
 * @returns null where they differ too much to be told line by line
 */
export function diffLines(was: string | null, now: string | null): readonly Hunk[] | null {
  if (was === null || now === null) return oneSided(was, now)
  const patch = structuredPatch('', '', was, now, '', '', {
    context: 3,
    maxEditLength: MOST_EDITS,
    timeout: LONGEST_MS,
  })
  return (
    patch?.hunks.map(({ oldStart, oldLines, newStart, newLines, lines }) => ({
      wasStart: oldStart,
      wasLines: oldLines,
      nowStart: newStart,
      nowLines: newLines,
      lines,
    })) ?? null
  )
}

/** A whole text that came or went needs no search. */
function oneSided(was: string | null, now: string | null): readonly Hunk[] {
  const text = was ?? now ?? ''
  if (text === '') return []
  const mark = now === null ? '-' : '+'
  const lines = text.split('\n')
  const endsOpen = lines.at(-1) !== ''
  if (!endsOpen) lines.pop()
  const marked = lines.map((line) => mark + line)
  if (endsOpen) marked.push('\\ No newline at end of file')
  const [start, count] = [1, lines.length]
  return now === null
    ? [{ wasStart: start, wasLines: count, nowStart: 0, nowLines: 0, lines: marked }]
    : [{ wasStart: 0, wasLines: 0, nowStart: start, nowLines: count, lines: marked }]
}

/** Whether bytes are to be shown as text: no NUL among them, as git asks. */
export function isText(content: Uint8Array): boolean {
  return !content.includes(0)
}
