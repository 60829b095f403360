import type { Container, EngineReader } from '../../engine/reader.ts'
import { openWriter } from '../../engine/writer.ts'
import { UserError } from '../../lib/errors.ts'
import { policyOf } from '../../policy/store.ts'
import { engineMaps } from '../../uidmap/engine-maps.ts'
import type { HostFiles } from '../../uidmap/host-files.ts'
import { remapState } from '../../uidmap/remap-state.ts'
import type { Setup } from '../../uidmap/setup.ts'
import type { TenantSources } from '../../uidmap/tenants.ts'
import type { Io } from '../command.ts'
import { declaredPolicies } from '../policy-path.ts'

export interface Residence {
  readonly reader: EngineReader
  readonly sources: TenantSources
}

/** What it takes to tell who lives in a container. */
export async function openResidence(
  setup: Setup,
  files: HostFiles,
  policy: string | undefined,
  io: Io,
): Promise<Residence> {
  if (setup.engine === null) throw new UserError('cannot look at containers without an engine')
  const { reader, info } = setup.engine
  const declarations = declaredPolicies(policy, io.env)
  return {
    reader,
    sources: {
      info,
      writer: await openWriter(reader, io.signal),
      engineMaps: engineMaps(
        setup.host,
        { info, address: reader.address },
        remapState(setup, files).configured,
      ),
      policyUsers: (container) =>
        (policyOf(container, null, declarations).policy.processes ?? []).flatMap(({ user }) => user ?? []),
    },
  }
}

/** The containers named, or all. @throws a UserError where one of the names is nobody's */
export async function chosenContainers(
  reader: EngineReader,
  names: readonly string[],
): Promise<readonly Container[]> {
  if (names.length > 0) {
    const named = await Promise.all(names.map((name) => reader.container(name)))
    return named.filter(({ id }, index) => named.findIndex((one) => one.id === id) === index)
  }
  const all = await reader.containers({ all: true })
  const found = await Promise.all(all.map(({ id }) => reader.container(id).catch(missingIsNull)))
  return found.flatMap((one) => one ?? []).toSorted((a, b) => a.name.localeCompare(b.name))
}

/** Removed between the list and the look: there is nothing left to look at. */
export function missingIsNull(error: unknown): null {
  if (error instanceof UserError && error.isMissing) return null
  throw error
}
