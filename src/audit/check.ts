import type { Severity } from '../protocol/findings.ts'
import type { ContainerFact, Daemon, Facts, Gathered, ImageFact } from './facts.ts'

export type Status = 'pass' | 'fail' | 'unknown'
export type SubjectKind = 'host' | 'daemon' | 'container' | 'image' | 'user'
/** The parts of the report, in its order. */
export type Area = 'escape' | 'people' | 'daemon' | 'containers' | 'images'

export interface Subject {
  readonly kind: SubjectKind
  readonly name: string
}

/** What one check says of one subject. */
export interface Verdict {
  readonly status: Status
  readonly subject: Subject
  /** What was found, in words that a person can verify. Never the value of a secret. */
  readonly evidence: string
  /** One command where one mends it, else one sentence. Empty when there is nothing to mend. */
  readonly remedy?: string
  /** Where this case weighs otherwise than its check. */
  readonly severity?: Severity
  /** Where this case has its own number in the benchmark. */
  readonly cis?: string | null
  /** The parts of the finding that stay the same from day to day: one more of them is news. */
  readonly details?: readonly string[]
}

/** One question asked of the facts. A check is a pure function: all reading was done before. */
export interface Check {
  /** Also its file's name. */
  readonly id: string
  /** Its number in the CIS Docker Benchmark 1.6, where there is one. */
  readonly cis: string | null
  readonly area: Area
  readonly severity: Severity
  /** What should be so. */
  readonly title: string
  /** What is so when it fails: the heading that people read. */
  readonly flaw: string
  /** What follows when it is not. */
  readonly why: string
  /** Whether `paddock audit --fix` can mend it. */
  readonly fixable?: boolean
  judge(facts: Facts): readonly Verdict[]
}

/** A verdict as it leaves: the JSON of `paddock audit --json`. */
export interface Finding {
  readonly id: string
  readonly cis: string | null
  readonly status: Status
  readonly severity: Severity
  readonly subject: Subject
  /** What should be so; where it fails, what is so in its place. */
  readonly title: string
  readonly evidence: string
  readonly remedy: string
  readonly details: readonly string[]
  readonly fixable: boolean
}

const SEVERITIES: readonly Severity[] = ['info', 'low', 'medium', 'high', 'critical']

/** 0 for info to 4 for critical. */
export function severityRank(severity: Severity): number {
  return SEVERITIES.indexOf(severity)
}

export const host: Subject = { kind: 'host', name: 'host' }

/** What is wrong with a subject, or null when it is well. */
export type Problem = Omit<Verdict, 'status' | 'subject'> | null

/** Judges a part of the facts, or says for `subject` that it could not be read. */
export function withPart<T>(
  part: Gathered<T>,
  subject: Subject,
  judge: (value: T) => readonly Verdict[],
): readonly Verdict[] {
  return part.ok ? judge(part.value) : [{ status: 'unknown', subject, evidence: part.why }]
}

/** One verdict for each container. */
export function eachContainer(
  facts: Facts,
  judge: (container: ContainerFact) => Problem,
): readonly Verdict[] {
  return withPart(facts.containers, { kind: 'container', name: '*' }, (containers) =>
    containers.map((container) => verdict({ kind: 'container', name: container.name }, judge(container))),
  )
}

/** One verdict for each image in use. */
export function eachImage(facts: Facts, judge: (image: ImageFact) => Problem): readonly Verdict[] {
  return withPart(facts.images, { kind: 'image', name: '*' }, (images) =>
    images.map((image) => verdict({ kind: 'image', name: imageName(image) }, judge(image))),
  )
}

/** One verdict on Docker's daemon; Podman has none to configure. */
export function dockerDaemon(facts: Facts, judge: (daemon: Daemon) => Problem): readonly Verdict[] {
  return withPart(facts.daemon, daemonSubject(facts), (daemon) =>
    daemon.engine === 'docker' ? [verdict(daemonSubject(facts), judge(daemon))] : [],
  )
}

export function daemonSubject(facts: Facts): Subject {
  return { kind: 'daemon', name: facts.daemon.ok ? facts.daemon.value.engine : 'docker' }
}

export function verdict(subject: Subject, problem: Problem): Verdict {
  return problem === null
    ? { status: 'pass', subject, evidence: '' }
    : { status: 'fail', subject, ...problem }
}

/** A setting of dockerd, and where it was set. */
export function setting(daemon: Daemon, name: string): { readonly value: unknown; readonly from: string } {
  return daemon.settings.get(name) ?? { value: undefined, from: 'default' }
}

/** How an image is called: its first tag, else the start of its id. */
export function imageName(image: Pick<ImageFact, 'tags' | 'id'>): string {
  return image.tags[0] ?? image.id.replace(/^sha256:/, '').slice(0, 12)
}

/** The remedy for a setting of daemon.json, one command where the audit can write it itself. */
export function settingRemedy(id: string): string {
  return `paddock audit --fix ${id}`
}

/** A word for a shell, quoted where it needs to be. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
