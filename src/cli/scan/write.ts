import { once } from 'node:events'
import type { Io } from '../command.ts'

/** Writes in pieces of a reasonable size, and waits where the reader is slower than the scan. */
export function writer(stream: Io['stdout']) {
  let pending = ''
  async function flush(): Promise<void> {
    const text = pending
    pending = ''
    if (text !== '' && !stream.write(text)) await once(stream, 'drain')
  }
  return {
    write(text: string): void | Promise<void> {
      pending += text
      if (pending.length > 65_536) return flush()
    },
    flush,
  }
}
