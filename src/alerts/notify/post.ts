/**
 * Posts a body and reads no more of the answer than its status.
 * @throws Error of one sentence when it cannot be delivered or the answer is not 2xx
 */
export async function post(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  const { origin } = new URL(url)
  // Only the origin is ever told: the path of a webhook is often its secret.
  const response = await fetch(url, { method: 'POST', body, headers, signal, redirect: 'manual' }).catch(
    (error: unknown) => {
      throw new Error(`${origin} cannot be reached: ${reasonOf(error)}`)
    },
  )
  await response.body?.cancel()
  if (!response.ok) throw new Error(`${origin} answered ${response.status} ${response.statusText}`.trim())
}

/** `fetch` hides what happened in the error's cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return 'no answer in time'
  const cause = error.cause instanceof Error ? error.cause : error
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : null
  return code ?? cause.message
}
