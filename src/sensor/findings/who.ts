import type { ContainerRef, FindingKind, ProcessRef } from '../../protocol/findings.ts'
import type { ProcessInfo } from '../process-info.ts'
import type { NewFinding } from '../ports.ts'

/** Who did it, as far as it was still to be seen. */
export interface Who {
  /** The process, then its ancestors up to the container's init. */
  readonly processes: readonly ProcessInfo[]
  /** Null where it was not to be seen. */
  readonly byExec: boolean | null
}

export function whoFields(who: Who | null): Pick<NewFinding, 'processes' | 'byExec'> {
  if (who === null || who.processes.length === 0) return {}
  const { byExec } = who
  return { processes: who.processes.map(processRef), ...(byExec === null ? {} : { byExec }) }
}

/** Without what is only of use here. */
export function processRef(info: ProcessInfo): ProcessRef {
  const { pidNamespace: _, ...ref } = info
  return ref
}

/**
 * What belongs together: what one process tree of a container did. The tree is named by its topmost process below the
 * container's init, so that a build tool and its thousand children are one.
 */
export function groupOf(container: ContainerRef | null, kind: FindingKind, who: Who | null): string {
  const place = container === null ? 'host' : container.id.slice(0, 12)
  const top =
    who === null ? undefined : (who.processes.at(who.byExec === false ? -2 : -1) ?? who.processes.at(-1))
  return `${place}:${kind}:${top === undefined ? 'unknown' : `${top.pid}.${top.startTicks}`}`
}
