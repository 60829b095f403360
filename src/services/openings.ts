import { isRoot } from './enclose.ts'
import type { Model, ModelMount, ModelService } from './model.ts'

/** What a compose file opens wider than Paddock's defaults. */
export interface Opening {
  /** The compose service. */
  readonly container: string
  /** As in the compose file: "cap_add", "privileged". */
  readonly setting: string
  readonly value: string
  /** For people: "keeps the capability NET_ADMIN". */
  readonly text: string
}

type Row = readonly [
  setting: keyof ModelService & string,
  values: (service: ModelService) => readonly string[],
  text: (value: string) => string,
]

const rows: readonly Row[] = [
  [
    'privileged',
    ({ privileged }) => (privileged === true ? ['true'] : []),
    () => 'is privileged: it is root on this host',
  ],
  ['cap_add', ({ cap_add }) => cap_add ?? [], (value) => `keeps the capability ${value}`],
  ['user', ({ user }) => (user !== undefined && isRoot(user) ? [user] : []), () => 'runs as root'],
  [
    'security_opt',
    ({ security_opt }) =>
      (security_opt ?? []).filter((option) => /unconfined|no-new-privileges[:=]false|disable/.test(option)),
    (value) => `lifts a protection: ${value}`,
  ],
  ['network_mode', ({ network_mode }) => shared(network_mode), (value) => `shares the network of ${value}`],
  ['pid', ({ pid }) => shared(pid), (value) => `sees the processes of ${value}`],
  ['ipc', ({ ipc }) => shared(ipc), (value) => `shares the memory of ${value}`],
  ['uts', ({ uts }) => shared(uts), (value) => `shares the host name of ${value}`],
  ['cgroup', ({ cgroup }) => shared(cgroup), (value) => `sees the control groups of ${value}`],
  [
    'userns_mode',
    ({ userns_mode }) => shared(userns_mode),
    () => 'is not remapped: its root is root on this host',
  ],
  ['devices', ({ devices }) => (devices ?? []).map(deviceText), (value) => `has the device ${value}`],
  [
    'device_cgroup_rules',
    ({ device_cgroup_rules }) => device_cgroup_rules ?? [],
    (value) => `may use devices ${value}`,
  ],
  ['sysctls', ({ sysctls }) => Object.keys(sysctls ?? {}), (value) => `sets the kernel's ${value}`],
  [
    'volumes',
    ({ volumes }) => (volumes ?? []).filter(isEngineSocket).map(mountText),
    (value) => `has the engine's socket (${value}): whoever has it is root on this host`,
  ],
  [
    'volumes',
    ({ volumes }) => (volumes ?? []).filter(isSystemFolder).map(mountText),
    (value) => `has a folder of the host's own (${value})`,
  ],
  ['ports', openPorts, (value) => `listens on every address of this host: ${value}`],
]

/**
 * What the compose file opens wider, container by container.
 * @param writable compose services that say `read_only: false`
 */
export function openings(model: Model, writable: ReadonlySet<string>): readonly Opening[] {
  return Object.entries(model.services).flatMap(([container, service]) => [
    ...rows.flatMap(([setting, values, text]) =>
      values(service).map((value) => ({ container, setting, value, text: text(value) })),
    ),
    ...(writable.has(container)
      ? [{ container, setting: 'read_only', value: 'false', text: 'may write to its root file system' }]
      : []),
  ])
}

function shared(mode: string | undefined): readonly string[] {
  return mode !== undefined && /^(host$|container:|service:)/.test(mode) ? [mode] : []
}

function deviceText(device: unknown): string {
  if (typeof device === 'string') return device
  const source = (device as { source?: unknown } | null)?.source
  return typeof source === 'string' ? source : '?'
}

function isEngineSocket({ type, source }: ModelMount): boolean {
  return (
    type === 'bind' &&
    source !== undefined &&
    /(^|\/)(docker|podman|containerd|crio)[^/]*\.sock$/.test(source)
  )
}

/** Folders from which a host can be taken over, or the whole of it. */
function isSystemFolder(mount: ModelMount): boolean {
  const { type, source } = mount
  if (type !== 'bind' || source === undefined || isEngineSocket(mount)) return false
  return (
    /^\/(|boot|dev|etc|lib|lib64|proc|root|run|sbin|bin|sys|usr|var|var\/lib|var\/run|var\/lib\/docker.*|home)$/.test(
      source.replace(/(?<=.)\/+$/, ''),
    ) || /^\/(etc|boot|dev|proc|root|run|sys|usr)\//.test(source)
  )
}

function mountText({ source, target, read_only }: ModelMount): string {
  return `${source ?? ''}:${target}${read_only === true ? ':ro' : ''}`
}

function openPorts({ ports }: ModelService): readonly string[] {
  return (ports ?? [])
    .filter(
      ({ published, host_ip }) =>
        published !== undefined && (host_ip === undefined || /^(0\.0\.0\.0|::|)$/.test(host_ip)),
    )
    .map(({ published, target, protocol }) => `${published ?? ''}:${target}/${protocol ?? 'tcp'}`)
}
