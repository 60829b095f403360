import type { Io } from './command.ts'

/** Where Paddock keeps what it has to remember. */
export function stateDir(env: Io['env']): string {
  return env['PADDOCK_STATE_DIR'] ?? '/var/lib/paddock'
}
