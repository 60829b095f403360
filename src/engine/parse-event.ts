import { fields, GarbageError } from './fields.ts'
import type { EngineEvent } from './reader.ts'

/** Podman's words for what Docker has others for. */
const podmanActions: Readonly<Record<string, string>> = {
  died: 'die',
  remove: 'destroy',
  exec: 'exec_create',
  exec_died: 'exec_die',
  unmount: 'unmount',
}

const types = ['container', 'image', 'daemon'] as const

/** One line of `GET /events`. */
export function parseEvent(line: unknown): EngineEvent {
  const event = fields(line)
  const actor = event.object('Actor')
  const attributes = actor.map('Attributes')
  return {
    type: types.find((type) => type === event.text('Type', '')) ?? 'other',
    action: parseAction(event.text('Action', '')),
    id: actor.text('ID', ''),
    name: (attributes['name'] ?? '').replace(/^\//, ''),
    timeNs: parseTime(event.number('timeNano', 0)),
    attributes,
  }
}

/** Docker puts a command or a status behind some: "exec_create: sh -c …", "health_status: healthy". */
function parseAction(action: string): string {
  const word = action.split(':')[0] ?? ''
  return Object.hasOwn(podmanActions, word) ? (podmanActions[word] ?? word) : word
}

/** JSON's number has lost the last digits by now: exact to 256 nanoseconds. */
function parseTime(nanoseconds: number): bigint {
  if (!Number.isInteger(nanoseconds)) throw new GarbageError('timeNano is not a whole number')
  return BigInt(nanoseconds)
}
