import type { Mount } from '../engine/reader.ts'
import type { Person } from './access.ts'
import type { IdMaps } from './id-map.ts'

/** A container as a tenant of the host: who lives in it, under which ids, and what of the host it was given. */
export interface Tenant {
  readonly name: string
  readonly running: boolean
  /** The kernel's for a running container, the engine's plan for another. */
  readonly maps: IdMaps
  /** Whom it runs as first, then everyone else who is known to live in it. Never empty. */
  readonly people: readonly [Person, ...Person[]]
  readonly mounts: readonly Mount[]
  /** Whether its runtime opens mounts from outside, so that the folders above a source need no `x`. */
  readonly runtimeOpensMounts: boolean
  /** Whether SELinux keeps it in a type of its own (not with `--security-opt label=disable` or `--privileged`). */
  readonly confined: boolean
}
