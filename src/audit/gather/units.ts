import type { HostTree } from './host-tree.ts'

/** systemd's unit folders, the strongest first (systemd.unit(5)). */
const FOLDERS = [
  '/etc/systemd/system',
  '/run/systemd/system',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
]

/** A unit as systemd merges it. */
export interface Unit {
  readonly name: string
  /** The unit file and its drop-ins, in the order of reading. */
  readonly files: readonly string[]
  /** Values by "Section.Key", in order; an empty assignment has cleared what stood before it. */
  readonly values: ReadonlyMap<string, readonly string[]>
}

/** A unit and its drop-ins; null when there is no such unit, or it is masked. */
export function readUnit(tree: HostTree, name: string): Unit | null {
  const main = FOLDERS.map((folder) => `${folder}/${name}`).find((path) => tree.stat(path) !== null)
  if (main === undefined || tree.resolve(main) === '/dev/null') return null
  const dropIns = new Map<string, string>()
  // The name of a drop-in decides its place; the same name in a stronger folder replaces it.
  for (const folder of [...FOLDERS].reverse())
    for (const file of tree.names(`${folder}/${name}.d`))
      if (file.endsWith('.conf')) dropIns.set(file, `${folder}/${name}.d/${file}`)
  const files = [main, ...[...dropIns.keys()].sort().map((file) => dropIns.get(file) ?? '')]
  return { name, files, values: mergeUnits(files.map((path) => tree.text(path) ?? '')) }
}

/** Unit files in the order of reading, merged. */
export function mergeUnits(texts: readonly string[]): Map<string, string[]> {
  const values = new Map<string, string[]>()
  for (const text of texts) {
    let section = ''
    for (const line of text.replace(/\\\n/g, ' ').split('\n')) {
      const trimmed = line.trim()
      if (trimmed === '' || /^[#;]/.test(trimmed)) continue
      const heading = /^\[(.+)\]$/.exec(trimmed)?.[1]
      if (heading !== undefined) {
        section = heading
        continue
      }
      const [, key, value = ''] = /^([^=]+?)\s*=\s*(.*)$/.exec(trimmed) ?? []
      if (key === undefined) continue
      const name = `${section}.${key}`
      if (value === '') values.set(name, [])
      else values.set(name, [...(values.get(name) ?? []), value])
    }
  }
  return values
}

/** The command that a service starts, its variables filled in from its environment files. */
export function unitCommand(tree: HostTree, unit: Unit): string[] {
  const environment = new Map<string, string>()
  const add = (text: string): void => {
    const [, name, value = ''] = /^\s*([A-Za-z_]\w*)=(.*)$/.exec(text) ?? []
    if (name !== undefined) environment.set(name, value.trim().replace(/^(["'])(.*)\1$/, '$2'))
  }
  for (const line of unit.values.get('Service.Environment') ?? []) words(line).forEach(add)
  for (const file of unit.values.get('Service.EnvironmentFile') ?? [])
    for (const line of (tree.text(file.replace(/^-/, '')) ?? '').split('\n'))
      if (!/^\s*[#;]/.test(line)) add(line)
  const command = (unit.values.get('Service.ExecStart') ?? []).at(-1)?.replace(/^[-@:+!]+/, '') ?? ''
  return words(command).flatMap((word) => {
    // $NAME alone is split into words, ${NAME} is one (systemd.service(5)).
    const alone = /^\$(\w+)$/.exec(word)?.[1]
    if (alone !== undefined) return words(environment.get(alone) ?? '')
    return [word.replace(/\$\{(\w+)\}/g, (_, name: string) => environment.get(name) ?? '')]
  })
}

function words(text: string): string[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? '',
  )
}
