import { setPriority } from 'node:os'

/**
 * Lets the calling thread go before others.
 * @param priority the nice value
 */
export function hurry(priority: number): void {
  try {
    setPriority(0, priority)
  } catch {
    // Without CAP_SYS_NICE it is as quick as the machine lets it be.
  }
}
