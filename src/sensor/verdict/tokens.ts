/** A bound on how often something costly is done: `perSecond` at once, and as many again each second. */
export function createTokens(
  perSecond: number,
  now: () => number = () => performance.now(),
): { take(): boolean } {
  let left = perSecond
  let at = now()
  return {
    take() {
      const time = now()
      left = Math.min(perSecond, left + ((time - at) / 1000) * perSecond)
      at = time
      if (left < 1) return false
      left--
      return true
    },
  }
}
