import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isMap, isScalar, YAMLMap } from 'yaml'
import { bytePathFromText } from '../lib/byte-path.ts'
import { hasCode, UserError } from '../lib/errors.ts'
import { printable } from '../lib/printable.ts'
import { type Problem, problemText } from '../policy/problem.ts'
import { type Declaration, type Match, readDeclaration } from '../policy/schema.ts'
import { compileSegment } from '../policy/segment.ts'
import { readYaml, type YamlNode, type YamlReader } from '../policy/yaml-reader.ts'
import type { Herd } from './herd.ts'
import { readSettings, type Settings, settingNames, usualSettings } from './settings.ts'

/** The keys of `x-paddock` that are policy: one grammar with the files of policy.d. */
const POLICY_KEYS = ['expect', 'processes', 'exec', 'execAllow'] as const

/** One service's source, read. What stands in `compose.yaml` for compose is compose's to read. */
export interface Service {
  readonly name: string
  readonly dir: string
  readonly composePath: string
  readonly composeText: string
  readonly settings: Settings
  /** The policy for every container of the service; null where none is declared. */
  readonly policy: ServicePolicy | null
  /** Compose services that say `read_only: false` themselves: compose's own output does not tell. */
  readonly writable: ReadonlySet<string>
}

export interface ServicePolicy {
  readonly declaration: Declaration
  /** What stands under `x-paddock`, as plain values, for the file in policy.d. */
  readonly values: Readonly<Record<string, unknown>>
}

const LARGEST_FILE_BYTES = 2 ** 20
const ANY: Match = { container: compileSegment(bytePathFromText('*')), image: null }

/** @throws UserError with file, line and what was meant where Paddock's part of it is wrong */
export function readService(herd: Herd, name: string): Service {
  const dir = join(herd.dir, name)
  const composePath = join(dir, 'compose.yaml')
  return { name, dir, composePath, ...readComposeText(composePath, readBounded(composePath)) }
}

/** The pure part: what Paddock reads of the text of a compose file. */
export function readComposeText(
  path: string,
  composeText: string,
): Pick<Service, 'composeText' | 'settings' | 'policy' | 'writable'> {
  const yaml = readYaml(path, composeText)
  refuseProblems(path, yaml)
  const root = yaml.root
  if (!isMap(root)) {
    throw new UserError(`cannot use ${path}: it is no compose file`, { hint: "it begins with 'services:'" })
  }
  const node = (root.get('x-paddock', true) ?? null) as YamlNode
  const own = isScalar(node) && node.value === null ? null : node
  const settings = own === null ? usualSettings : readOwn(yaml, own)
  const policy = own === null ? null : readPolicy(yaml, path, own)
  refuseProblems(path, yaml)
  return { composeText, settings, policy, writable: writableServices(root) }
}

/** All that is wrong in Paddock's part of a compose file, and the policy in it: for who checks it and runs nothing. */
export function checkComposeText(
  path: string,
  composeText: string,
): { readonly declaration: Declaration | null; readonly problems: readonly Problem[] } {
  const yaml = readYaml(path, composeText)
  const own = isMap(yaml.root) ? (yaml.root.get('x-paddock', true) as YamlNode | undefined) : null
  if (own === undefined || own === null) return { declaration: null, problems: yaml.problems }
  readOwn(yaml, own)
  const policy = readPolicy(yaml, path, own)
  return { declaration: policy?.declaration ?? null, problems: yaml.problems }
}

function readOwn(yaml: YamlReader, node: NonNullable<YamlNode>): Settings {
  const known = [...settingNames, ...POLICY_KEYS]
  // Every key is looked at here, so that an unknown one is told with all that could have been meant.
  yaml.map(node, 'x-paddock', Object.fromEntries(known.map((name) => [name, (value: YamlNode) => value])))
  return isMap(node) ? readSettings(yaml, pick(node, settingNames)) : usualSettings
}

function readPolicy(yaml: YamlReader, path: string, node: NonNullable<YamlNode>): ServicePolicy | null {
  if (!isMap(node)) return null
  const part = pick(node, POLICY_KEYS)
  if (part.items.length === 0) return null
  const declaration = readDeclaration(yaml, path, part, ANY)
  return declaration === null ? null : { declaration, values: part.toJSON() as Record<string, unknown> }
}

/** The pairs of a map whose keys are among `names`; their places in the file stay. */
function pick(node: YAMLMap, names: readonly string[]): YAMLMap {
  const part = new YAMLMap()
  part.range = node.range ?? null
  part.items = node.items.filter(({ key }) => isScalar(key) && names.includes(String(key.value)))
  return part
}

function writableServices(root: YAMLMap): ReadonlySet<string> {
  const services = root.get('services', true)
  if (!isMap(services)) return new Set()
  return new Set(
    services.items
      .filter(({ value }) => isMap(value) && value.get('read_only') === false)
      .map(({ key }) => (isScalar(key) ? String(key.value) : '')),
  )
}

function refuseProblems(path: string, { problems }: YamlReader): void {
  const [first, ...more] = problems
  if (first === undefined) return
  const others = more.length === 0 ? '' : ` (and ${more.length} more)`
  // problemText has escaped it already; what prints a UserError escapes again.
  const text = problemText(first)
    .replace(`${printable(path)}:`, '')
    .replaceAll('\\\\', '\\')
  throw new UserError(`cannot use ${path}:${text}${others}`)
}

function readBounded(path: string): string {
  try {
    if (statSync(path).size > LARGEST_FILE_BYTES)
      throw new UserError(`cannot use ${path}: it is larger than 1 MiB`)
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'EACCES', 'EISDIR')) throw error
    throw new UserError(`cannot read ${path}: ${error.message.split(':')[0] ?? ''}`, { cause: error })
  }
}
