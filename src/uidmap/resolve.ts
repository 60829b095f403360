import type { Container } from '../engine/reader.ts'
import { type IdMap, type IdMaps, rootIsHostRoot, toContainer, toHost } from './id-map.ts'
import type { Accounts } from './people.ts'
import { parseId } from './accounts.ts'

export type IdKind = 'uid' | 'gid'

/** One user or group of one container, on both sides. */
export interface Resolved {
  readonly container: Pick<Container, 'id' | 'name'>
  /** The container's own id, and its name for it; null where it has none. */
  readonly inside: { readonly id: number; readonly name: string | null }
  /** Null: the container's map does not hold it. */
  readonly outside: number | null
}

/** A container whose ids are known. */
export interface Resident {
  readonly container: Pick<Container, 'id' | 'name'>
  readonly maps: IdMaps
  readonly accounts: Accounts
}

/**
 * A user or group of a container, by name or id, as an id of the host.
 * @returns null where the container knows nobody of that name
 */
export function resolveInside(resident: Resident, who: string, kind: IdKind): Resolved | null {
  const id = idOf(resident.accounts, who, kind)
  if (id === null) return null
  return {
    container: resident.container,
    inside: { id, name: nameIn(resident.accounts, id, kind) },
    outside: toHost(mapFor(resident, kind), id),
  }
}

/**
 * An id of the host as somebody of a container; null where the container's map does not hold it. A container that is not
 * mapped has every id there is: of those only the ones it has a name for are somebody.
 */
export function resolveOutside(resident: Resident, outside: number, kind: IdKind): Resolved | null {
  const id = toContainer(mapFor(resident, kind), outside)
  if (id === null) return null
  const name = nameIn(resident.accounts, id, kind)
  if (name === null && rootIsHostRoot(mapFor(resident, kind))) return null
  return { container: resident.container, inside: { id, name }, outside }
}

function mapFor({ maps }: Resident, kind: IdKind): IdMap {
  return kind === 'uid' ? maps.uids : maps.gids
}

function idOf({ users, groups }: Accounts, who: string, kind: IdKind): number | null {
  const named =
    kind === 'uid'
      ? users.find(({ name }) => name === who)?.uid
      : groups.find(({ name }) => name === who)?.gid
  // Without a passwd of its own a container still has root.
  return named ?? parseId(who) ?? (who === 'root' ? 0 : null)
}

function nameIn({ users, groups }: Accounts, id: number, kind: IdKind): string | null {
  const entry = kind === 'uid' ? users.find(({ uid }) => uid === id) : groups.find(({ gid }) => gid === id)
  return entry?.name ?? null
}
