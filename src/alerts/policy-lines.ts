import { pathFromJson } from '../lib/byte-path.ts'
import { literalGlob, yamlText } from '../policy/literal.ts'
import type { Finding, PathJson } from '../protocol/findings.ts'

const MAX_LINES = 40
/** So many new files in one folder are offered as the folder's files. */
const FOLDER_FROM = 5

/**
 * The policy lines that would have expected these findings, in the grammar of docs/policy.md, for a person to read
 * before taking them: they are offered, never applied.
 */
export function policyLines(findings: readonly Finding[]): string[] {
  const expect = expectLines(findings.filter(({ kind }) => kind === 'change'))
  const processes = unique(findings.filter(({ kind }) => kind === 'process').map(processLine))
  const exec = unique(findings.filter(({ kind }) => kind === 'exec').map(execLine))
  return [
    ...section('expect:', expect),
    ...section('processes:', processes),
    ...section('execAllow:', exec),
  ].slice(0, MAX_LINES)
}

function section(head: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [head, ...lines.map((line) => `  - ${line}`)]
}

function expectLines(findings: readonly Finding[]): string[] {
  const kindsByPath = new Map<string, Set<string>>()
  for (const { path, change } of findings) {
    const glob = path === undefined ? null : globOf(path)
    if (glob === null || change === undefined) continue
    kindsByPath.set(glob, (kindsByPath.get(glob) ?? new Set()).add(change.kind))
  }
  const added = [...kindsByPath].filter(([, kinds]) => kinds.size === 1 && kinds.has('added'))
  const folders = Map.groupBy(added, ([glob]) => glob.slice(0, glob.lastIndexOf('/')))
  const crowded = [...folders].filter(([folder, files]) => folder !== '' && files.length >= FOLDER_FROM)
  const covered = new Set(crowded.flatMap(([, files]) => files.map(([glob]) => glob)))
  return [
    ...crowded.map(([folder]) => `{ path: ${yamlText(`${folder}/*`)}, kinds: [added] }`),
    ...[...kindsByPath]
      .filter(([glob]) => !covered.has(glob))
      .map(([glob, kinds]) => `{ path: ${yamlText(glob)}, kinds: [${[...kinds].join(', ')}] }`),
  ]
}

function execLine({ path }: Finding): string | null {
  const glob = path === undefined ? null : globOf(path)
  return glob === null ? null : yamlText(glob)
}

function processLine({ processes, reasons }: Finding): string | null {
  const process = processes?.[0]
  const exe = process?.exe ?? null
  // A required process that is gone needs the process, not a line.
  if (process === undefined || exe === null || reasons.some((reason) => reason.includes('required')))
    return null
  const glob = globOf(exe)
  if (glob === null) return null
  const user = process.uidInside === null ? '' : `, user: "${process.uidInside}"`
  return `{ exe: ${yamlText(glob)}${user} }`
}

/** Null where there is no path inside the container. */
function globOf(path: PathJson): string | null {
  return path.path.startsWith('/') ? literalGlob(pathFromJson(path)) : null
}

function unique(lines: readonly (string | null)[]): string[] {
  return [...new Set(lines.filter((line) => line !== null))]
}
