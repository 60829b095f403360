import { existsSync } from 'node:fs'
import { isFaultOfFile } from '../engine/http.ts'
import type { Container, EngineInfo, HostConfig, Mount } from '../engine/reader.ts'
import type { EngineWriter } from '../engine/writer.ts'
import { UserError } from '../lib/errors.ts'
import { parseGroup, parsePasswd } from './accounts.ts'
import type { Person } from './access.ts'
import { accountFile } from './account-file.ts'
import { processesOf } from './container-processes.ts'
import { identityMaps, type IdMaps } from './id-map.ts'
import { type Accounts, configuredPerson, distinct, personOf } from './people.ts'
import { mapsOfProcess } from './process-maps.ts'
import type { Tenant } from './tenant.ts'

/** A container's passwd may be what an intruder made of it. */
const ACCOUNT_BYTES = 1024 * 1024
const MOST_ACCOUNTS = 10_000

export interface TenantSources {
  readonly info: EngineInfo
  readonly writer: EngineWriter
  /** Of containers that do not run and ask for no mapping of their own. */
  readonly engineMaps: IdMaps
  /** Names or ids that policy expects processes to run as. */
  readonly policyUsers: (container: Container) => readonly string[]
}

/**
 * @returns a sentence instead where it cannot be told who lives there
 */
export async function tenantOf(container: Container, sources: TenantSources): Promise<Tenant | string> {
  const running = container.pid > 0 ? mapsOfProcess(container.pid) : null
  const maps = mapsOfTenant(container, sources)
  if (maps === null) return 'it does not run, and which ids it will get is decided when it starts'
  const accounts = await accountsOf(container, sources.writer)
  const live =
    running === null ? [] : processesOf(container.pid).flatMap((one) => personOf(one, maps, accounts) ?? [])
  const main = live[0] ?? configuredPerson(container.user, container.hostConfig, accounts)
  if (main === null) return `its user '${container.user}' is in neither its passwd nor its group file`
  const policed = sources
    .policyUsers(container)
    .flatMap((user) => configuredPerson(user, container.hostConfig, accounts) ?? [])
  const people: Person[] = distinct([main, ...live, ...policed])
  return {
    name: container.name,
    running: running !== null,
    maps,
    people: people as [Person, ...Person[]],
    mounts: container.mounts,
    runtimeOpensMounts: opensMounts(sources.info),
    confined: isConfined(container.hostConfig),
  }
}

/** A container that is declared, and that the engine does not have yet. */
export interface Declared {
  readonly name: string
  /** As configured, else the image's. */
  readonly user: string
  /** Names or ids that policy expects processes to run as. */
  readonly policyUsers: readonly string[]
  readonly hostConfig: Pick<
    HostConfig,
    'privileged' | 'capAdd' | 'capDrop' | 'groupAdd' | 'securityOptions' | 'usernsMode'
  >
  readonly mounts: readonly Mount[]
  /** Of its image; none where there is none yet. */
  readonly accounts: Accounts
}

/** @returns a sentence instead where it cannot be told who will live there */
export function tenantOfDeclared(
  { name, user, policyUsers, hostConfig, mounts, accounts }: Declared,
  { info, engineMaps }: Pick<TenantSources, 'info' | 'engineMaps'>,
): Tenant | string {
  const maps = mapsOfTenant({ pid: 0, hostConfig }, { info, engineMaps })
  if (maps === null) return 'which ids it will get is decided when it starts'
  const main = configuredPerson(user, hostConfig, accounts)
  if (main === null) return `its user '${user}' is in neither passwd nor group of its image`
  const policed = policyUsers.flatMap((one) => configuredPerson(one, hostConfig, accounts) ?? [])
  return {
    name,
    running: false,
    maps,
    people: distinct([main, ...policed]) as [Person, ...Person[]],
    mounts,
    runtimeOpensMounts: opensMounts(info),
    confined: isConfined(hostConfig),
  }
}

function isConfined({ privileged, securityOptions }: Pick<HostConfig, 'privileged' | 'securityOptions'>) {
  return !privileged && !securityOptions.some((option) => /^label[=:]disable$/.test(option))
}

/** The kernel's for a container that runs, else what it will get; null where that is decided when it starts. */
export function mapsOfTenant(
  { pid, hostConfig }: { readonly pid: number; readonly hostConfig: Pick<HostConfig, 'usernsMode'> },
  { info, engineMaps }: Pick<TenantSources, 'info' | 'engineMaps'>,
): IdMaps | null {
  const running = pid > 0 ? mapsOfProcess(pid) : null
  if (running !== null) return running
  if (hostConfig.usernsMode === 'host') return identityMaps
  if (info.kind === 'docker' || hostConfig.usernsMode === '') return engineMaps
  return null
}

/**
 * The names in a container's own files; none where they are no files, or too long to be believed. Read from its layers
 * where they are known: the engine would look up users with the container's own files meanwhile, and wait for ever where
 * one of them is a FIFO.
 */
export async function accountsOf(
  { id, pid, graphDriver }: Pick<Container, 'id' | 'pid' | 'graphDriver'>,
  writer: EngineWriter,
): Promise<Accounts> {
  const layers = pid > 0 ? [`/proc/${pid}/root`] : layersOf(graphDriver)
  const text = async (name: string) => {
    const bytes =
      layers.length > 0 ? accountFile(layers, name, ACCOUNT_BYTES) : await fileOfEngine(id, name, writer)
    return bytes?.toString('latin1') ?? ''
  }
  return {
    users: parsePasswd(await text('passwd')).slice(0, MOST_ACCOUNTS),
    groups: parseGroup(await text('group')).slice(0, MOST_ACCOUNTS),
  }
}

/** The top one first; none for drivers other than overlay's. */
function layersOf(driver: Container['graphDriver']): string[] {
  const { UpperDir: upper, LowerDir: lower } = driver?.data ?? {}
  if (upper === undefined || lower === undefined) return []
  const layers = [upper, ...lower.split(':')]
  return layers.every((layer) => existsSync(layer)) ? layers : []
}

async function fileOfEngine(id: string, name: string, writer: EngineWriter): Promise<Buffer | null> {
  try {
    return await writer.readFile(id, `/etc/${name}`, ACCOUNT_BYTES)
  } catch (error) {
    if (error instanceof UserError && isFaultOfFile(error.cause)) return null
    throw error
  }
}

/** runc opens a mount's source before it becomes root of the container only (1.1, runc#2576). */
function opensMounts({ runtime, kind }: EngineInfo): boolean {
  const [major = 0, minor = 0] = runtime.version.split('.').map(Number)
  return kind === 'podman' || (runtime.name === 'runc' && (major > 1 || (major === 1 && minor >= 1)))
}
