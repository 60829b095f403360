import type { Progress } from '../../uidmap/images.ts'
import type { Io } from '../command.ts'

/** Shows on a terminal how far it is, on one line; nothing elsewhere. */
export function progressOn(stream: Io['stderr']): { readonly show: Progress; readonly end: () => void } {
  let shownAt = 0
  let isShown = false
  return {
    show(doneBytes, allBytes) {
      if (stream.isTTY !== true || performance.now() - shownAt < 200) return
      shownAt = performance.now()
      isShown = true
      const all = allBytes === 0 ? '' : ` of about ${Math.ceil(allBytes / 1024 / 1024)}`
      stream.write(`\r\u001b[Kimages: ${Math.round(doneBytes / 1024 / 1024)}${all} MiB`)
    },
    end() {
      if (isShown) stream.write('\r\u001b[K')
    },
  }
}
