import type { HardenResult } from './harden.ts'
import { hardenHtml } from './report/html.ts'
import { hardenMarkdown } from './report/markdown.ts'

/** The report for people, in the form that the file's name asks for. */
export function reportFile(path: string, result: HardenResult): string {
  return path.endsWith('.md') ? hardenMarkdown(result) : hardenHtml(result)
}
