import { printable } from '../lib/printable.ts'
import type { Finding } from '../protocol/findings.ts'

/** What an alert's one-line summary is made of: small, whatever the number of findings. */
export interface AlertFacts {
  /** The sensor's sentence on the worst finding so far. */
  readonly worst: { readonly severity: number; readonly summary: string }
  /** Who began it: the command of the process below the container's init, and how it came in. */
  readonly actor: { readonly command: string; readonly byExec: boolean; readonly engine: string } | null
  readonly changes: {
    readonly count: number
    /** The first of the worst severity. */
    readonly first: { readonly verb: string; readonly path: string; readonly severity: number } | null
  }
  readonly execs: {
    readonly denied: number
    readonly allowed: number
    readonly first: { readonly path: string; readonly severity: number } | null
  }
  /** Findings of the kinds `process`, `lifecycle`, `trouble`. */
  readonly others: number
  readonly reasons: readonly string[]
}

export const NO_FACTS: AlertFacts = {
  worst: { severity: -1, summary: '' },
  actor: null,
  changes: { count: 0, first: null },
  execs: { denied: 0, allowed: 0, first: null },
  others: 0,
  reasons: [],
}

const MAX_REASONS = 32
const MAX_PATH_LENGTH = 160

/** Folds one more finding into what is known of its alert. */
export function addFacts(facts: AlertFacts, finding: Finding, severity: number): AlertFacts {
  const { kind, count } = finding
  const path = finding.path === undefined ? null : shortened(finding.path.path)
  const { changes, execs } = facts
  return {
    worst: severity > facts.worst.severity ? { severity, summary: finding.summary } : facts.worst,
    actor: facts.actor ?? actorOf(finding),
    changes:
      kind !== 'change'
        ? changes
        : {
            count: changes.count + count,
            first:
              path !== null && severity > (changes.first?.severity ?? -1)
                ? { verb: verbOf(finding), path, severity }
                : changes.first,
          },
    execs:
      kind !== 'exec'
        ? execs
        : {
            denied: execs.denied + (finding.exec?.verdict === 'denied' ? count : 0),
            allowed: execs.allowed + (finding.exec?.verdict === 'denied' ? 0 : count),
            first:
              path !== null && severity > (execs.first?.severity ?? -1) ? { path, severity } : execs.first,
          },
    others: facts.others + (kind === 'change' || kind === 'exec' ? 0 : 1),
    reasons: [...new Set([...facts.reasons, ...finding.reasons])].slice(0, MAX_REASONS),
  }
}

/**
 * One line that says what happened, safe for a terminal: "a shell by `docker exec` wrote a new program /tmp/.x and
 * ran it: denied". Of a single finding, or of others than changes and programs, the sensor's own sentence.
 */
export function summarise(facts: AlertFacts, findings: number): string {
  const { changes, execs } = facts
  const done = [changesPhrase(facts), execsPhrase(facts)].filter((phrase) => phrase !== null)
  if (findings === 1 || done.length === 0) {
    return findings === 1 ? facts.worst.summary : `${facts.worst.summary} (${findings} findings)`
  }
  const others = facts.others === 0 ? '' : `; ${facts.others} more of other kinds`
  // A process or trouble that is worse than all changes and programs is what the line is about.
  const told = Math.max(changes.first?.severity ?? -1, execs.first?.severity ?? -1)
  const lead = facts.worst.severity > told ? `${facts.worst.summary}; ` : ''
  return `${lead}${actorPhrase(facts)} ${done.join(' and ')}${others}`
}

const SHELLS = new Set(['sh', 'ash', 'bash', 'dash', 'zsh', 'ksh', 'fish', 'busybox'])

function actorPhrase({ actor }: AlertFacts): string {
  if (actor === null) return 'something'
  const who = SHELLS.has(actor.command) ? 'a shell' : printable(actor.command)
  return actor.byExec ? `${who} by \`${actor.engine} exec\`` : who
}

function changesPhrase({ changes }: AlertFacts): string | null {
  if (changes.first === null) return changes.count === 0 ? null : `made ${changes.count} changes`
  const more =
    changes.count === 1 ? '' : ` (and ${changes.count - 1} more change${changes.count === 2 ? '' : 's'})`
  return `${changes.first.verb} ${changes.first.path}${more}`
}

function execsPhrase({ execs, changes }: AlertFacts): string | null {
  const total = execs.denied + execs.allowed
  if (total === 0) return null
  const what =
    execs.first === null ? 'a program' : execs.first.path === changes.first?.path ? 'it' : execs.first.path
  const times = total === 1 ? '' : ` ${total} times`
  const verdict =
    execs.denied === 0 ? 'not denied' : execs.allowed === 0 ? 'denied' : `${execs.denied} times denied`
  return `ran ${what}${times}: ${verdict}`
}

function verbOf({ change, reasons }: Finding): string {
  const program = reasons.some((reason) => PROGRAM_REASONS.has(reason))
  if (program && change?.kind === 'added') return 'wrote a new program'
  return change === undefined ? 'changed' : VERBS[change.kind]
}

const PROGRAM_REASONS = new Set(['executable', 'setuid', 'setgid', 'file-capabilities', 'elf', 'script'])

const VERBS = {
  added: 'wrote',
  modified: 'changed',
  deleted: 'deleted',
  metadata: 'changed the mode or owner of',
  replaced: 'replaced',
}

function actorOf({ processes, byExec, container }: Finding): AlertFacts['actor'] {
  if (processes === undefined || processes.length === 0) return null
  // The last is the container's init, but by exec what the engine started, or as far as the way was to be seen.
  const began = (byExec === false ? processes.at(-2) : undefined) ?? processes.at(-1)
  if (began === undefined) return null
  return {
    command: began.command.slice(0, 64),
    byExec: byExec === true,
    engine: container?.engine ?? 'docker',
  }
}

function shortened(path: string): string {
  const whole = path.length <= MAX_PATH_LENGTH
  return printable(whole ? path : `${path.slice(0, 80)}…${path.slice(80 - MAX_PATH_LENGTH)}`)
}
