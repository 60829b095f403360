export interface Rate {
  readonly burst: number
  readonly perSecond: number
}

/** @returns a function that says whether one more is within the rate, and counts it */
export function rateBucket({ burst, perSecond }: Rate, nowMs = () => performance.now()): () => boolean {
  let left = burst
  let atMs = nowMs()
  return () => {
    const now = nowMs()
    left = Math.min(left + ((now - atMs) / 1000) * perSecond, burst)
    atMs = now
    if (left < 1) return false
    left -= 1
    return true
  }
}
