import { pathJson, pathText } from '../lib/byte-path.ts'
import { printable } from '../lib/printable.ts'
import { describeAccess } from './access.ts'
import type { IdMaps } from './id-map.ts'
import type { MountReport, Problem } from './mount-report.ts'

/** What was found of one container's mounts. */
export interface ContainerCheck {
  /** `id` is null for one that is declared, and that the engine does not have yet. */
  readonly container: { readonly id: string | null; readonly name: string }
  readonly running: boolean
  readonly maps: IdMaps
  readonly mounts: readonly MountReport[]
}

export function checkJson({ container, running, maps, mounts }: ContainerCheck) {
  return {
    id: container.id,
    name: container.name,
    running,
    declared: container.id === null,
    ok: mounts.every(({ problems }) => problems.length === 0),
    maps,
    mounts: mounts.map((report) => ({
      type: report.mount.type,
      source: report.mount.source,
      target: report.mount.target,
      writable: report.mount.writable,
      people: report.people.map(({ person, hostUid, hostGid, may }) => ({
        name: person.name,
        uid: person.uid,
        gid: person.gid,
        hostUid,
        hostGid,
        may: describeAccess(may),
      })),
      problems: report.problems.map(problemJson),
      entries: { looked: report.looked, lost: report.lost, complete: report.complete },
      skipped: report.skipped.map(({ path, why }) => ({ ...pathJson(path), why })),
    })),
  }
}

function problemJson({ kind, path, person, lacks, why, mend }: Problem) {
  return { kind, ...pathJson(path), person, lacks, why, mend }
}

/** Lines for people; nothing where all is well. */
export function checkText({ container, mounts }: ContainerCheck): string[] {
  return mounts.flatMap(({ mount, problems, lost, complete }) => {
    if (problems.length === 0) return []
    const shown = problems.flatMap(({ path, person, lacks, why, mend }) => [
      `    ${printable(pathText(path))}${lacks === '' ? '' : `: ${person === null ? 'nobody' : printable(person)} lacks ${lacks}`}`,
      `      ${printable(why)}`,
      // A command is to be copied as it is; shellQuote has left nothing in it that a terminal obeys.
      ...(mend === null ? [] : [`      mend: ${Buffer.from(mend, 'latin1').toString('utf8')}`]),
    ])
    const told = problems.filter(({ kind }) => kind === 'tree').length
    const more = lost > told ? [`    … and ${lost - told} more entries below`] : []
    const cut = complete ? [] : ['    the tree has more entries than were looked at']
    return [
      `  ${container.name}${container.id === null ? ' (declared)' : ''}:${printable(mount.target)} ← ${printable(mount.source)}`,
      ...shown,
      ...more,
      ...cut,
    ]
  })
}
