import { parse, YAMLParseError } from 'yaml'
import { UserError } from '../lib/errors.ts'
import type { Service } from './declaration.ts'
import type { Docker } from './docker.ts'
import type { Instance } from './instance.ts'
import { refusal } from './refusal.ts'

/** A compose file as `docker compose config` prints it: every short form written out, every variable filled in. */
export interface Model {
  readonly name?: string
  readonly services: Readonly<Record<string, ModelService>>
  readonly networks?: Readonly<Record<string, ModelNetwork | null>>
  readonly volumes?: Readonly<Record<string, ModelVolume | null>>
  readonly [key: string]: unknown
}

/** What of a compose service Paddock looks at or sets; the rest passes through. */
export interface ModelService {
  readonly image?: string
  readonly build?: unknown
  readonly container_name?: string
  readonly cap_add?: readonly string[]
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly privileged?: boolean
  readonly read_only?: boolean
  readonly user?: string
  readonly pids_limit?: number
  readonly mem_limit?: number | string
  readonly deploy?: {
    readonly replicas?: number
    readonly resources?: { readonly limits?: { readonly memory?: unknown; readonly pids?: unknown } }
  }
  readonly scale?: number
  readonly restart?: string
  readonly network_mode?: string
  readonly networks?: Readonly<Record<string, unknown>>
  readonly pid?: string
  readonly ipc?: string
  readonly uts?: string
  readonly userns_mode?: string
  readonly cgroup?: string
  readonly devices?: readonly unknown[]
  readonly device_cgroup_rules?: readonly string[]
  readonly sysctls?: Readonly<Record<string, unknown>>
  readonly volumes?: readonly ModelMount[]
  readonly ports?: readonly ModelPort[]
  readonly expose?: readonly (string | number)[]
  readonly labels?: Readonly<Record<string, string>>
  readonly healthcheck?: unknown
  readonly [key: string]: unknown
}

export interface ModelMount {
  readonly type: string
  readonly source?: string
  readonly target: string
  readonly read_only?: boolean
  readonly [key: string]: unknown
}

export interface ModelPort {
  readonly target: number
  /** "8080", "8080-8089". */
  readonly published?: string
  readonly host_ip?: string
  readonly protocol?: string
  readonly [key: string]: unknown
}

export interface ModelNetwork {
  readonly name?: string
  readonly external?: boolean
  readonly [key: string]: unknown
}

export interface ModelVolume {
  readonly name?: string
  readonly external?: boolean
  readonly [key: string]: unknown
}

/** The variables that Paddock sets for compose. */
export function composeVariables(instance: Instance, base: string | null): Readonly<Record<string, string>> {
  return {
    PADDOCK_TAG: instance.tag,
    PADDOCK_DATA: instance.dataDir,
    PADDOCK_INSTANCE: instance.kind,
    ...(base === null ? {} : { PADDOCK_BASE: base }),
  }
}

/** Has compose read the service's compose file for an instance. */
export async function resolveModel(docker: Docker, service: Service, instance: Instance): Promise<Model> {
  const args = [
    'compose',
    '-p',
    instance.project,
    '--project-directory',
    service.dir,
    '-f',
    service.composePath,
    'config',
  ]
  const ran = await docker.run(args, { cwd: service.dir, env: composeVariables(instance, null) })
  if (ran.code !== 0) throw await refusal(docker, ran, `use ${service.composePath}`)
  return parseModel(ran.stdout, service.composePath)
}

/** @param path for messages */
export function parseModel(text: string, path: string): Model {
  try {
    const model = parse(text, { maxAliasCount: 0 }) as { services?: unknown } | null
    const services = model?.services
    if (typeof services === 'object' && services !== null && Object.keys(services).length > 0)
      return model as Model
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error
    throw new UserError(`cannot use ${path}: compose reads it as something that is no YAML`, { cause: error })
  }
  throw new UserError(`cannot use ${path}: it has no services`, { hint: "it begins with 'services:'" })
}
