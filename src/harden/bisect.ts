/**
 * Which of the things that were taken away a service cannot do without, found by trying: the last of the shortest front
 * part that is enough, then the same with what lies before it. Each costs as many tries as the list can be halved.
 * @param candidates in any order
 * @param passes whether the test passes when these stay; with none it is known to fail
 * @param mostTries after which it gives up
 * @returns few that are enough together; null where not even all are, or the tries were used up
 */
export async function findNeeded<T>(
  candidates: readonly T[],
  passes: (kept: readonly T[]) => Promise<boolean>,
  mostTries: number,
): Promise<readonly T[] | null> {
  let tries = 0
  const isEnough = async (kept: readonly T[]) => tries++ < mostTries && passes(kept)
  const needed: T[] = []
  let rest = candidates
  if (rest.length === 0 || !(await isEnough(rest))) return null
  do {
    let [tooFew, enough] = [0, rest.length]
    while (enough - tooFew > 1) {
      const middle = (tooFew + enough) >> 1
      if (await isEnough([...needed, ...rest.slice(0, middle)])) enough = middle
      else tooFew = middle
    }
    needed.push(...rest.slice(enough - 1, enough))
    rest = rest.slice(0, enough - 1)
    if (tries >= mostTries) return null
  } while (!(await isEnough(needed)))
  return needed
}
