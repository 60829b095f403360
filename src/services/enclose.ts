import { type Instance, label } from './instance.ts'
import type { Model, ModelService } from './model.ts'

/** What of a compose service is known beside its compose file. */
export interface Facts {
  /** The compose file says `read_only: false` itself. */
  readonly declaredWritable: boolean
  /** Policy expects changes of the root file system. */
  readonly expectsChanges: boolean
  /** The user that the image names; null where the image is not known. */
  readonly imageUser: string | null
}

/** A setting that Paddock added because the compose file says nothing of it. */
export interface Default {
  readonly container: string
  readonly setting: string
  readonly value: unknown
}

type Safe = readonly [setting: keyof ModelService & string, value: unknown]

/** nobody, on every system that Paddock knows of. */
const NOBODY = '65534:65534'

/** The safe defaults, a row each: what is set where the compose file says nothing of it. */
const rows: readonly ((service: ModelService, facts: Facts, instance: Instance) => Safe | null)[] = [
  (service) => (lists(service.cap_drop, 'ALL') ? null : ['cap_drop', ['ALL']]),
  (service) =>
    service.security_opt?.some((option) => option.startsWith('no-new-privileges')) === true
      ? null
      : ['security_opt', [...(service.security_opt ?? []), 'no-new-privileges:true']],
  (service, facts) =>
    service.read_only === true || facts.declaredWritable || facts.expectsChanges ? null : ['read_only', true],
  (service, facts) => (service.user === undefined && isRoot(facts.imageUser) ? ['user', NOBODY] : null),
  (service) =>
    service.pids_limit === undefined && service.deploy?.resources?.limits?.pids === undefined
      ? ['pids_limit', 256]
      : null,
  (service) =>
    service.mem_limit === undefined && service.deploy?.resources?.limits?.memory === undefined
      ? ['mem_limit', '512m']
      : null,
  (service, _, { kind }) =>
    kind === 'prod' && service.restart === undefined ? ['restart', 'unless-stopped'] : null,
]

/**
 * Closes what the compose file leaves open. What it says itself stays: it is listed by `openings`.
 * @param facts of each compose service
 */
export function enclose(
  model: Model,
  instance: Instance,
  herdDir: string,
  facts: (name: string) => Facts,
): { model: Model; defaults: readonly Default[] } {
  const defaults: Default[] = []
  const services = Object.entries(model.services).map(([name, service]) => {
    const safe = rows
      .map((row) => row(service, facts(name), instance))
      .filter((setting): setting is Safe => setting !== null)
    defaults.push(...safe.map(([setting, value]) => ({ container: name, setting, value })))
    const labels = {
      ...service.labels,
      [label.herd]: herdDir,
      [label.service]: instance.service,
      [label.instance]: instance.kind,
    }
    return [name, { ...service, ...Object.fromEntries(safe), labels }] as const
  })
  return { model: { ...model, services: Object.fromEntries(services) }, defaults }
}

function lists(values: readonly string[] | undefined, wanted: string): boolean {
  return values?.some((value) => value.toUpperCase() === wanted) === true
}

/** "", "0", "root", "0:0", "root:33" */
export function isRoot(user: string | null): boolean {
  return user !== null && /^(0|root)?(:|$)/.test(user)
}
