import { refuse } from './tar-header.ts'

/** Of all names, link targets, times and extended attributes of an image together. */
const MOST_BYTES = 64 * 1024 * 1024
const PIECE_BYTES = 2 * 1024 * 1024
const LENGTH_BYTES = 4
const MOST_RECENT = 1000
const LONGEST_RECENT_BYTES = 256
const NOTHING = Buffer.alloc(0)

/** Short texts, bytes as latin1, one behind the other. A text is known by where it begins; 0 is the empty one. */
export class Texts {
  readonly #pieces = [Buffer.allocUnsafeSlow(PIECE_BYTES)]
  /** Of the last piece. */
  #usedBytes = LENGTH_BYTES
  readonly #recent = new Map<string, number>()

  /** @param text at most 1 MiB */
  add(text: string): number {
    if (text === '') return 0
    const neededBytes = LENGTH_BYTES + text.length
    if (this.#usedBytes + neededBytes > PIECE_BYTES) this.#grow()
    const at = (this.#pieces.length - 1) * PIECE_BYTES + this.#usedBytes
    const piece = this.#pieceOf(at)
    piece.writeUInt32LE(text.length, this.#usedBytes)
    piece.write(text, this.#usedBytes + LENGTH_BYTES, 'latin1')
    this.#usedBytes += neededBytes
    return at
  }

  /** For what comes again and again, as times do: the same place where it came not long ago. */
  addRepeated(text: string): number {
    const known = this.#recent.get(text)
    if (known !== undefined) return known
    const at = this.add(text)
    if (text.length > LONGEST_RECENT_BYTES) return at
    if (this.#recent.size === MOST_RECENT) this.#recent.clear()
    this.#recent.set(text, at)
    return at
  }

  get(at: number): string {
    if (at === 0) return ''
    const piece = this.#pieceOf(at)
    const start = (at % PIECE_BYTES) + LENGTH_BYTES
    return piece.toString('latin1', start, start + piece.readUInt32LE(start - LENGTH_BYTES))
  }

  /** Below 0 where `text` comes before the one at `at` in byte order, 0 where they are the same. */
  compare(text: string, at: number): number {
    const piece = this.#pieceOf(at)
    const start = (at % PIECE_BYTES) + LENGTH_BYTES
    const length = at === 0 ? 0 : piece.readUInt32LE(start - LENGTH_BYTES)
    const shared = Math.min(length, text.length)
    for (let index = 0; index < shared; index++) {
      const difference = text.charCodeAt(index) - (piece[start + index] ?? 0)
      if (difference !== 0) return difference
    }
    return text.length - length
  }

  #pieceOf(at: number): Buffer {
    return this.#pieces[Math.floor(at / PIECE_BYTES)] ?? NOTHING
  }

  #grow(): void {
    if (this.#pieces.length * PIECE_BYTES >= MOST_BYTES)
      throw refuse('its names, link targets and attributes are longer than 64 MiB')
    this.#pieces.push(Buffer.allocUnsafeSlow(PIECE_BYTES))
    this.#usedBytes = 0
  }
}
