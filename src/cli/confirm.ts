import { createInterface } from 'node:readline/promises'
import type { Io } from './command.ts'

/**
 * Asks on the terminal. No answer is no.
 * @returns null where there is no terminal to ask on
 */
export async function confirm(question: string, { stdin, stderr, signal }: Io): Promise<boolean | null> {
  if (stdin.isTTY !== true) return null
  const lines = createInterface({ input: stdin, output: stderr })
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `, { signal })).trim())
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') return false
    throw error
  } finally {
    lines.close()
  }
}
