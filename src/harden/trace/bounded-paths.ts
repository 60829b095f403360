/** Different paths, as many as fit: a hostile container asks for new ones without end. */
export interface BoundedPaths {
  readonly paths: ReadonlySet<string>
  /** False when one did not fit. */
  readonly complete: boolean
  add(path: string): void
}

/** What an entry of a set costs beside its characters, about. */
const ENTRY_BYTES = 64

/** @param room shared by those that together must not hold more */
export function boundedPaths(room: { bytes: number }): BoundedPaths {
  const paths = new Set<string>()
  let complete = true
  return {
    paths,
    get complete() {
      return complete
    },
    add(path) {
      if (paths.has(path)) return
      const cost = path.length + ENTRY_BYTES
      if (cost > room.bytes) complete = false
      else {
        room.bytes -= cost
        paths.add(path)
      }
    },
  }
}
