import type { ChangeDiff, ContentDiff } from '../../cow/diff.ts'
import { type BytePath, pathJson } from '../../lib/byte-path.ts'

/** One element of `diffs` in `paddock cow diff --json` (docs/json.md). */
export function diffJson({ change, content, fields }: ChangeDiff): object {
  const { path, kind, type } = change
  return { ...pathJson(path), kind, type, fields, content: content === null ? null : contentJson(content) }
}

function contentJson(content: ContentDiff): object {
  switch (content.as) {
    case 'binary':
      return {
        as: 'binary',
        was: content.was && sideJson(content.was),
        now: content.now && sideJson(content.now),
      }
    case 'link':
      return {
        as: 'link',
        was: content.was && pathJson(content.was),
        now: content.now && pathJson(content.now),
      }
    case 'text':
      return {
        as: 'text',
        hunks: content.hunks.map(({ lines, ...place }) => ({ ...place, lines: lines.map(lineJson) })),
      }
  }
}

function sideJson({
  sizeBytes,
  sha256,
  form,
}: {
  sizeBytes: number
  sha256: string | null
  form: string
}): object {
  return { size: sizeBytes, sha256, form }
}

/** A line as text; where it is not UTF-8, with its bytes beside it. */
function lineJson(line: string): object {
  const { path: text, pathBase64: base64 } = pathJson(line as BytePath)
  return base64 === undefined ? { text } : { text, base64 }
}
