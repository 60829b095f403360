import { existsSync } from 'node:fs'
import { isAbsolute, join, relative } from 'node:path'
import type { Mount } from '../../engine/reader.ts'
import { UserError } from '../../lib/errors.ts'
import { containersOf } from '../../services/containers.ts'
import type { Service } from '../../services/declaration.ts'
import { herdPath, serviceNames } from '../../services/herd.ts'
import { type Host, instanceOn, openHost, serviceOf } from '../../services/host.ts'
import type { Instance } from '../../services/instance.ts'
import type { Model, ModelMount, ModelService } from '../../services/model.ts'
import { findImage } from '../../services/own-images.ts'
import { prepare } from '../../services/prepare.ts'
import { accountsOfImages } from '../../uidmap/image-accounts.ts'
import type { Accounts } from '../../uidmap/people.ts'
import type { Declared, TenantSources } from '../../uidmap/tenants.ts'
import type { Io } from '../command.ts'

/** A declared container, or why it cannot be told what it will be. */
export type Found =
  { readonly name: string; readonly why: string } | { readonly name: string; readonly declared: Declared }

/**
 * The herd that is named, by option or environment; null where there is none.
 * @param isMeant whether ./herd will do: something was named that is no container
 */
export async function openedHerd(
  {
    herd,
    engine,
    isMeant,
  }: { readonly herd?: string | undefined; readonly engine: string; readonly isMeant: boolean },
  io: Io,
): Promise<Host | null> {
  const isNamed = herd !== undefined || (io.env['PADDOCK_HERD'] ?? '') !== ''
  if (!isNamed && !(isMeant && existsSync(herdPath(undefined, io.env)))) return null
  return openHost({ engine, herd, env: io.env, signal: io.signal, tell: () => undefined })
}

/** What production of each service of the herd consists of, without the containers that the engine has already. */
export async function declaredContainers(host: Host, { writer }: TenantSources): Promise<readonly Found[]> {
  const there = await containersOf(host, ({ instance }) => instance === 'prod')
  const found: Found[] = []
  for (const name of serviceNames(host.herd)) {
    try {
      const service = serviceOf(host, name)
      const instance = instanceOn(host, name, 'prod')
      const { model } = await prepare(host, service, instance)
      for (const [part, one] of Object.entries(model.services)) {
        if (there.some((each) => each.project === instance.project && each.part === part)) continue
        const mounts = await mountsOf(host, model, one, { service, instance })
        found.push(
          await declared(
            { name: part === name ? name : `${name}/${part}`, one, mounts, service },
            host,
            writer,
          ),
        )
      }
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      found.push({ name, why: error.message })
    }
  }
  return found.toSorted((one, other) => (one.name < other.name ? -1 : 1))
}

interface Part {
  readonly name: string
  readonly one: ModelService
  readonly mounts: readonly Mount[]
  readonly service: Service
}

async function declared(
  { name, one, mounts, service }: Part,
  host: Host,
  writer: TenantSources['writer'],
): Promise<Found> {
  const image = await findImage(host, one.image ?? '')
  const user = one.user ?? image?.user ?? null
  if (user === null)
    return {
      name,
      why: `the engine has no image '${one.image ?? ''}' yet, and it names the user; run 'paddock build'`,
    }
  const none: Accounts = { users: [], groups: [] }
  // Read from a container that is made of the image, never started and removed: only where names are to be told.
  const accounts =
    image === null ? none : ((await accountsOfImages([image], host.engine, writer))[0]?.accounts ?? none)
  const policyUsers = (service.policy?.declaration.processes ?? []).flatMap((rule) => rule.user ?? [])
  return { name, declared: { name, user, policyUsers, hostConfig: hostConfigOf(one), mounts, accounts } }
}

function hostConfigOf(one: ModelService): Declared['hostConfig'] {
  const capabilities = (names: readonly string[] = []) =>
    names.map((name) => name.toUpperCase().replace(/^CAP_/, ''))
  const groups: unknown = one['group_add']
  return {
    privileged: one.privileged === true,
    capAdd: capabilities(one.cap_add),
    capDrop: capabilities(one.cap_drop),
    groupAdd: Array.isArray(groups) ? groups.map(String) : [],
    securityOptions: one.security_opt ?? [],
    usernsMode: one.userns_mode ?? '',
  }
}

/** Bind mounts and volumes that are there. What `up` or the engine will make has its owner from whoever makes it. */
async function mountsOf(
  host: Host,
  model: Model,
  { volumes = [] }: ModelService,
  where: { readonly service: Service; readonly instance: Instance },
): Promise<Mount[]> {
  const found: Mount[] = []
  for (const { type, source = '', target, read_only } of volumes) {
    const path = type === 'volume' ? await placeOfVolume(host, model, source) : source
    if ((type !== 'bind' && type !== 'volume') || path === null || madeByUp({ type, source }, where)) continue
    found.push({ type, source: path, target, writable: read_only !== true, propagation: '' })
  }
  return found
}

function madeByUp(
  { type, source = '' }: Pick<ModelMount, 'type' | 'source'>,
  { service, instance }: { service: Service; instance: Instance },
): boolean {
  if (type !== 'bind' || !isAbsolute(source) || existsSync(source)) return false
  return service.settings.data.some(({ path }) => relative(join(instance.dataDir, path), source) === '')
}

/** @returns null where there is no such volume yet */
async function placeOfVolume({ docker }: Host, { volumes = {} }: Model, key: string): Promise<string | null> {
  if (key === '') return null
  const name = volumes[key]?.name ?? key
  const { code, stdout } = await docker.run(['volume', 'inspect', '--format', '{{.Mountpoint}}', name])
  const place = stdout.trim()
  return code === 0 && isAbsolute(place) ? place : null
}
