import { Transform, type TransformCallback } from 'node:stream'
import { printable } from '../lib/printable.ts'

const LONGEST_LINE_BYTES = 64 * 1024
const NEWLINE = 10

/** Whole lines of what a container prints, a name before each. One that never ends is cut into lines of 64 KiB. */
export class LogLines extends Transform {
  readonly #prefix: string
  readonly #isEscaped: boolean
  #begun = Buffer.alloc(0)

  constructor({ prefix, isEscaped }: { prefix: string; isEscaped: boolean }) {
    super()
    this.#prefix = prefix
    this.#isEscaped = isEscaped
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    let rest = this.#begun.length === 0 ? chunk : Buffer.concat([this.#begun, chunk])
    for (;;) {
      const end = rest.indexOf(NEWLINE)
      const isWhole = end >= 0 && end <= LONGEST_LINE_BYTES
      if (!isWhole && rest.length <= LONGEST_LINE_BYTES) break
      const length = isWhole ? end : LONGEST_LINE_BYTES
      this.#pushLine(rest.subarray(0, length))
      rest = rest.subarray(isWhole ? length + 1 : length)
    }
    // A copy: what was cut off would keep the whole of a large chunk.
    this.#begun = Buffer.from(rest)
    done()
  }

  override _flush(done: TransformCallback): void {
    if (this.#begun.length > 0) this.#pushLine(this.#begun)
    done()
  }

  #pushLine(line: Buffer): void {
    const text = this.#isEscaped ? Buffer.from(printable(line.toString('utf8'))) : line
    this.push(Buffer.concat([Buffer.from(this.#prefix), text, Buffer.of(NEWLINE)]))
  }
}
