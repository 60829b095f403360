/**
 * What a container did before the engine told of it: the gate marks it before its first instruction, the engine's word
 * comes a moment later. Kept in order, bounded, until there is somebody to judge it by; then, or in vain, each is let go.
 */
export interface Early {
  /** False where too much waits: the sweep that comes with its being followed has to do. */
  keep(containerId: string, act: () => void): boolean
  followed(containerId: string): void
  stop(): void
}

const PATIENCE_MS = 10_000

/**
 * @param maximum how much may wait
 * @param each of one container: so that one which nobody follows, for it is another engine's, leaves room for the others
 */
export function createEarly(maximum: number, each = maximum): Early {
  const waiting = new Map<string, { readonly acts: (() => void)[]; readonly since: number }>()
  let count = 0
  let timer: NodeJS.Timeout | undefined

  function end(containerId: string): void {
    const acts = waiting.get(containerId)?.acts ?? []
    waiting.delete(containerId)
    count -= acts.length
    for (const act of acts) act()
  }

  function endOld(): void {
    const before = performance.now() - PATIENCE_MS
    for (const [containerId, { since }] of waiting) if (since < before) end(containerId)
    if (waiting.size > 0) return
    clearInterval(timer)
    timer = undefined
  }

  return {
    keep(containerId, act) {
      const known = waiting.get(containerId)
      if (count >= maximum || (known?.acts.length ?? 0) >= each) return false
      if (known === undefined) waiting.set(containerId, { acts: [act], since: performance.now() })
      else known.acts.push(act)
      count++
      timer ??= setInterval(endOld, 1000)
      return true
    },
    followed: (containerId) => end(containerId),
    stop() {
      clearInterval(timer)
      for (const containerId of [...waiting.keys()]) end(containerId)
    },
  }
}
