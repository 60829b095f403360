const CONTEXT = 3

/**
 * What changes between two versions of a file, as a unified diff of one hunk: enough for edits in one place, right for all.
 * @param name as it is to be shown
 * @param before null: the file does not exist
 * @param after null: the file is removed
 */
export function lineDiff(name: string, before: string | null, after: string | null): string {
  if (before === after) return ''
  const old = lines(before ?? '')
  const now = lines(after ?? '')
  let head = 0
  while (head < old.length && head < now.length && old[head] === now[head]) head++
  let tail = 0
  while (
    tail < old.length - head &&
    tail < now.length - head &&
    old[old.length - 1 - tail] === now[now.length - 1 - tail]
  )
    tail++
  const from = Math.max(0, head - CONTEXT)
  const oldEnd = Math.min(old.length, old.length - tail + CONTEXT)
  const nowEnd = Math.min(now.length, now.length - tail + CONTEXT)
  return [
    `--- ${before === null ? '/dev/null' : name}`,
    `+++ ${after === null ? '/dev/null' : name}`,
    `@@ -${hunk(from, oldEnd)} +${hunk(from, nowEnd)} @@`,
    ...old.slice(from, head).map((line) => ` ${line}`),
    ...old.slice(head, old.length - tail).map((line) => `-${line}`),
    ...now.slice(head, now.length - tail).map((line) => `+${line}`),
    ...old.slice(old.length - tail, oldEnd).map((line) => ` ${line}`),
    '',
  ].join('\n')
}

function hunk(from: number, end: number): string {
  return end === from ? `${from},0` : `${from + 1},${end - from}`
}

/** Each without its newline; a last line that has none says so, as diff(1) does. */
function lines(text: string): string[] {
  if (text === '') return []
  const all = text.split('\n')
  if (all.at(-1) === '') return all.slice(0, -1)
  return [...all.slice(0, -1), `${all.at(-1) ?? ''}\n\\ No newline at end of file`]
}
