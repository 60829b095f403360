import { errorText } from '../lib/libc/library.ts'

const ENOENT = -2

/** Something in a layer could not be read: `decode` makes it data beside the result, an `Unreadable`. */
export class UnreadableError extends Error {
  override readonly name = 'UnreadableError'
  /** Whether it is only gone since it was seen, which is no trouble. */
  readonly isGone: boolean

  /** @param why minus an error number, or a sentence */
  constructor(why: number | string) {
    super(typeof why === 'number' ? errorText(why) : why)
    this.isGone = why === ENOENT
  }
}

/** What to tell of an error from reading; null where it is a bug and must be thrown on. */
export function unreadableReason(error: unknown): { readonly text: string; readonly isGone: boolean } | null {
  if (error instanceof UnreadableError) return { text: error.message, isGone: error.isGone }
  if (error instanceof Error && 'syscall' in error && 'code' in error) {
    return { text: error.message, isGone: error.code === 'ENOENT' }
  }
  return null
}
