/** What a command answers when it could not do what was asked. Exit code 2 everywhere. */
export class UserError extends Error {
  override readonly name = 'UserError'
  /** What to try, as one imperative sentence without a full stop; absent where nothing useful is known. */
  readonly hint: string | undefined
  /** Whether what was asked about is not there (any more), for callers to whom that is an answer. */
  readonly isMissing: boolean

  /**
   * @param message what could not be done, to what, and why: "cannot read the policy /etc/x.yaml: permission denied"
   * @param options.hint what to try
   * @param options.isMissing see there; false when absent
   * @param options.cause the error underneath, kept for `PADDOCK_DEBUG=1`
   */
  constructor(message: string, options: { hint?: string; cause?: unknown; isMissing?: boolean } = {}) {
    super(message, { cause: options.cause })
    this.hint = options.hint
    this.isMissing = options.isMissing ?? false
  }
}

/** Whether `error` came from the system with one of these codes (`ENOENT`, `EACCES`, …). */
export function hasCode(error: unknown, ...codes: string[]): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}

/** What the system said, without the call and its path: "ENOSPC: no space left on device". */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/, \w+( '.*)?$/s, '') : String(error)
}
