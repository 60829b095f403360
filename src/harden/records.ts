import { refuse } from './tar-header.ts'

/** Names that an image may have in all its layers, folders that only a path tells of among them. */
const MOST_RECORDS = 1_500_000
const STEP_BYTES = 1024 * 1024

/**
 * Records of one size side by side, in memory that grows in place: an object for each would take five times as much, and the
 * garbage collector's time. A record is known by where it begins; 0 is nobody's, and stands for "none".
 */
export class Records {
  readonly view: DataView
  readonly #buffer: ArrayBuffer
  readonly #sizeBytes: number
  #end: number

  constructor(sizeBytes: number) {
    this.#buffer = new ArrayBuffer(0, { maxByteLength: (1 + MOST_RECORDS) * sizeBytes })
    this.view = new DataView(this.#buffer)
    this.#sizeBytes = sizeBytes
    this.#end = sizeBytes
  }

  /** A new one, all zeros. */
  add(): number {
    const at = this.#end
    const end = at + this.#sizeBytes
    const { byteLength, maxByteLength } = this.#buffer
    if (end > maxByteLength) throw refuse(`it holds more than ${MOST_RECORDS} files and folders`)
    if (end > byteLength) this.#buffer.resize(Math.min(maxByteLength, byteLength + STEP_BYTES))
    this.#end = end
    return at
  }
}
