import { printable } from '../lib/printable.ts'

/** What is wrong with a policy, and where. Text of the file within it is not escaped: see `problemText`. */
export interface Problem {
  /** An error leaves what it stands in without effect; a warning does not. */
  readonly level: 'error' | 'warning'
  /** As it was given: a path, or "label paddock.expect". */
  readonly file: string
  /** From 1; null where the whole file is meant. */
  readonly line: number | null
  readonly column: number | null
  readonly message: string
  /** What was meant or what to do, as an imperative; null where nothing useful is known. */
  readonly hint: string | null
}

/** "web.yaml:4:5: error: unknown key 'expct'; write 'expect'", safe for a terminal. */
export function problemText({ level, file, line, column, message, hint }: Problem): string {
  const place = [file, line, column].filter((part) => part !== null).join(':')
  return printable(`${place}: ${level}: ${message}${hint === null ? '' : `; ${hint}`}`)
}

export function errorsOf(problems: readonly Problem[]): readonly Problem[] {
  return problems.filter(({ level }) => level === 'error')
}
