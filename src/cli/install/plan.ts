import {
  ENABLED_UNITS,
  HERD_UNIT,
  PACKAGED_HERD,
  packagedPrograms,
  type Programs,
  SENSOR_UNIT,
  UNIT_MARK,
  units,
  WATCH_UNIT,
} from './units.ts'

/** What an installation needs to know of the host. Paths are those of the host, without `--root`. */
export interface HostFacts {
  readonly hasGroup: boolean
  readonly hasUser: boolean
  /** Mode (with the sticky bit) and owner of a folder; null where there is none. */
  folder(path: string): { readonly mode: number; readonly owner: string; readonly group: string } | null
  /** A small file's text; null where there is none. */
  text(path: string): string | null
  /** Whether systemd runs this very host: its manager is told. */
  readonly systemd: boolean
}

/** One thing to do: shown first, then done. */
export type Step =
  | { readonly kind: 'group' | 'user' | 'no-group' | 'no-user'; readonly name: string }
  | {
      readonly kind: 'folder'
      readonly path: string
      readonly mode: number
      readonly owner: string
      readonly group: string
    }
  | { readonly kind: 'file'; readonly path: string; readonly text: string }
  | { readonly kind: 'remove'; readonly path: string; readonly isFolder: boolean }
  | { readonly kind: 'run'; readonly argv: readonly string[] }

export const ACCOUNT = 'paddock'
const UNIT_FOLDER = '/etc/systemd/system'
const STATE_FOLDER = '/var/lib/paddock'
const CONFIG_FOLDER = '/etc/paddock'
const RUN_FOLDER = '/run/paddock'
/** What is started again when its unit changed. */
const RUNNING_UNITS: readonly string[] = [SENSOR_UNIT, WATCH_UNIT]

const FOLDERS = [
  { path: CONFIG_FOLDER, mode: 0o755, owner: 'root', group: 'root' },
  { path: `${CONFIG_FOLDER}/policy.d`, mode: 0o755, owner: 'root', group: 'root' },
  // Passable, so that watch reaches its own folder; all else in it is root's alone.
  { path: STATE_FOLDER, mode: 0o711, owner: 'root', group: 'root' },
  { path: `${STATE_FOLDER}/watch`, mode: 0o700, owner: ACCOUNT, group: ACCOUNT },
] as const

export interface Plan {
  readonly steps: readonly Step[]
  /** Files that are in the way and not ours. */
  readonly conflicts: readonly string[]
}

/**
 * What is missing of an installation: nothing where it is whole.
 * @param herd the folder of the services that the host starts with; null leaves what was said earlier
 */
export function planInstall(host: HostFacts, programs: Programs, herd: string | null): Plan {
  const steps: Step[] = []
  if (!host.hasGroup) steps.push({ kind: 'group', name: ACCOUNT })
  if (!host.hasUser) steps.push({ kind: 'user', name: ACCOUNT })
  for (const wanted of FOLDERS) {
    const there = host.folder(wanted.path)
    const same = there?.mode === wanted.mode && there.owner === wanted.owner && there.group === wanted.group
    if (!same) steps.push({ kind: 'folder', ...wanted })
  }
  const conflicts: string[] = []
  const changed: string[] = []
  const older: string[] = []
  for (const [name, text] of units(programs, herd)) {
    const path = `${UNIT_FOLDER}/${name}`
    const there = host.text(path)
    if (there === text) continue
    if (there !== null && !there.startsWith(UNIT_MARK)) conflicts.push(path)
    else steps.push({ kind: 'file', path, text })
    changed.push(name)
    if (there !== null && RUNNING_UNITS.includes(name)) older.push(name)
  }
  if (changed.length > 0 && host.systemd) {
    steps.push({ kind: 'run', argv: ['systemctl', 'daemon-reload'] })
    steps.push({ kind: 'run', argv: ['systemctl', 'enable', '--now', ...ENABLED_UNITS] })
    if (older.length > 0) steps.push({ kind: 'run', argv: ['systemctl', 'try-restart', ...older] })
    if (changed.includes(HERD_UNIT)) steps.push({ kind: 'run', argv: ['systemctl', 'enable', HERD_UNIT] })
  }
  return { steps: conflicts.length > 0 ? [] : steps, conflicts }
}

/** @param purge also alerts, evidence, tokens and policies */
export function planUninstall(host: HostFacts, purge: boolean): Plan {
  const ours = [...units(packagedPrograms, PACKAGED_HERD).keys()]
    .map((name) => `${UNIT_FOLDER}/${name}`)
    .filter((path) => host.text(path)?.startsWith(UNIT_MARK) === true)
  const steps: Step[] = []
  if (ours.length > 0 && host.systemd) {
    const herd = ours.includes(`${UNIT_FOLDER}/${HERD_UNIT}`) ? [HERD_UNIT] : []
    steps.push({ kind: 'run', argv: ['systemctl', 'disable', '--now', ...ENABLED_UNITS, ...herd] })
  }
  for (const path of ours) steps.push({ kind: 'remove', path, isFolder: false })
  if (ours.length > 0 && host.systemd) steps.push({ kind: 'run', argv: ['systemctl', 'daemon-reload'] })
  // The sensor's unit leaves it for watch when it ends.
  const folders = [...(ours.length > 0 ? [RUN_FOLDER] : []), ...(purge ? [STATE_FOLDER, CONFIG_FOLDER] : [])]
  for (const path of folders) {
    if (host.folder(path) !== null) steps.push({ kind: 'remove', path, isFolder: true })
  }
  if (purge) {
    // While its files are kept, their owner is kept too: nobody else is to get the number.
    if (host.hasUser) steps.push({ kind: 'no-user', name: ACCOUNT })
    if (host.hasGroup) steps.push({ kind: 'no-group', name: ACCOUNT })
  }
  return { steps, conflicts: [] }
}

/** One line for a person. */
export function stepText(step: Step): string {
  switch (step.kind) {
    case 'group':
      return `add the system group ${step.name}`
    case 'user':
      return `add the system user ${step.name}, without password, shell or home`
    case 'no-group':
      return `remove the group ${step.name}`
    case 'no-user':
      return `remove the user ${step.name}`
    case 'folder':
      return `folder ${step.path}, ${step.owner}:${step.group}, mode ${step.mode.toString(8).padStart(4, '0')}`
    case 'file':
      return `write ${step.path}`
    case 'remove':
      return `remove ${step.path}${step.isFolder ? ' and all that is in it' : ''}`
    case 'run':
      return `run ${step.argv.join(' ')}`
  }
}
