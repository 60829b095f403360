import { type BytePath, bytePath } from '../lib/byte-path.ts'

/** No path in a container's own reach is longer unless somebody means harm: 32 times PATH_MAX. */
export const LONGEST_PATH_BYTES = 131_072

/**
 * The path at which a walk stands, as bytes in one buffer: a deep tree costs no string per level, and
 * a path becomes one flat string when it is asked for.
 */
export class PathBuffer {
  readonly #bytes = Buffer.allocUnsafe(LONGEST_PATH_BYTES)
  /** Of the directory at which the walk stands; 0 for the root. */
  length = 0

  /** Goes down one name. False where the path would become too long. */
  enter(name: string): boolean {
    if (this.length + 1 + name.length + 256 > LONGEST_PATH_BYTES) return false
    this.#bytes[this.length] = 47
    this.length += 1 + this.#bytes.write(name, this.length + 1, 'latin1')
    return true
  }

  directory(): BytePath {
    return this.length === 0 ? ('/' as BytePath) : bytePath(this.#bytes.subarray(0, this.length))
  }

  /** The path of an entry whose name lies in `bytes`. */
  entry(bytes: Buffer, start: number, end: number): BytePath {
    const to = this.length + 1
    this.#bytes[this.length] = 47
    bytes.copy(this.#bytes, to, start, end)
    return this.#bytes.toString('latin1', 0, to + end - start) as BytePath
  }

  named(name: string): BytePath {
    const to = this.length + 1
    this.#bytes[this.length] = 47
    return this.#bytes.toString('latin1', 0, to + this.#bytes.write(name, to, 'latin1')) as BytePath
  }
}
