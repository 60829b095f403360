import { createHash } from 'node:crypto'
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  realpathSync,
} from 'node:fs'
import { join } from 'node:path'
import { type Finding, severityRank } from '../../audit/check.ts'
import { learn, type Memory, parseMemory } from '../../audit/memory.ts'
import { newsOf } from '../../audit/news.ts'
import { isFailure, runAudit } from '../../audit/run.ts'
import { openEngine } from '../../engine/client.ts'
import { findEngines } from '../../engine/connect.ts'
import type { EngineReader } from '../../engine/reader.ts'
import { hasCode, reasonOf, UserError } from '../../lib/errors.ts'
import { takeLock } from '../../lib/libc/lock.ts'
import { printable } from '../../lib/printable.ts'
import { AUDIT_INBOX, AUDIT_WANTED, type AuditNews, encodeAuditMessage } from '../../protocol/audit-news.ts'
import type { ContainerRef } from '../../protocol/findings.ts'
import { writeWhole } from '../../services/record.ts'
import type { ExitCode, Io } from '../command.ts'
import { stateDir } from '../state-dir.ts'

/** What `paddock audit --alert` did with one engine. */
export interface Alerted {
  readonly engine: string
  /** Of the audit that it was compared with; null: this is the first, and nothing is told. */
  readonly since: string | null
  /** How many failures it knows now. */
  readonly failures: number
  readonly worse: readonly Finding[]
}

/**
 * Audits every engine, and leaves what is worse than at the last time for the sensor, which makes an alert of it. What
 * is known is replaced after that: interrupted in between, the next audit tells the same again, into the same alert.
 */
export async function alertAudit(named: string | undefined, json: boolean, io: Io): Promise<ExitCode> {
  const found = findEngines(named === undefined ? [] : [named], io.env, existsSync)
  // Docker's usual socket may be a link to Podman's.
  const paths = new Map(found.map((path) => [existsSync(path) ? realpathSync(path) : path, path])).values()
  const state = stateDir(io.env)
  using _ = lockAudits(join(state, 'audit'))
  // What happens from here on asks for another audit.
  rmSync(join(state, AUDIT_WANTED), { force: true })
  const audits: Alerted[] = []
  const failures: UserError[] = []
  for (const path of paths) {
    try {
      audits.push(await auditOne(await openEngine(path), state))
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      // One engine that is away must not hide the others.
      failures.push(error)
    }
  }
  const [failure] = failures
  if (failure !== undefined && audits.length === 0) throw failure
  io.stdout.write(json ? `${JSON.stringify({ version: 1, audits })}\n` : audits.map(text).join(''))
  if (failure !== undefined) throw failure
  return audits.some(({ worse }) => worse.length > 0) ? 1 : 0
}

async function auditOne(engine: EngineReader, state: string): Promise<Alerted> {
  const { address } = engine
  const file = join(state, 'audit', `${hash(address)}.json`)
  const kept = readKept(file)
  const before = kept === null ? null : parseMemory(kept)
  const lost = kept !== null && before === null
  const { kind } = await engine.info()
  const report = await runAudit({ root: '/', engine })
  const { memory, worse } = learn(before, report.findings, { engine: address, at: new Date() })
  const refs = new Map<string, ContainerRef>()
  for (const { id, name, image } of await engine.containers({ all: true }))
    refs.set(name, { id, name, image, engine: kind })
  const news = [...(lost ? [memoryLost(file)] : []), ...newsOf(worse, address, refs)]
  if (news.length > 0) {
    const message = encodeAuditMessage(news)
    // The same news is the same file: what the sensor has not taken yet is not told twice.
    writeWhole(join(state, AUDIT_INBOX, `${hash(message)}.json`), message)
  }
  writeMemory(file, memory)
  return {
    engine: address,
    since: before?.at ?? null,
    failures: report.findings.filter(isFailure).length,
    worse,
  }
}

/** Two at once would both tell the same. The kernel lets go of it when this process ends, however it ends. */
function lockAudits(folder: string): Disposable {
  const path = join(folder, 'lock')
  const fd = openLock(folder, path)
  if (!takeLock(fd, path)) {
    closeSync(fd)
    throw new UserError('cannot audit for alerts: another audit is at it', {
      hint: 'what is worse is told by that one',
    })
  }
  return { [Symbol.dispose]: () => closeSync(fd) }
}

function openLock(folder: string, path: string): number {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error
    throw new UserError(`cannot use the state folder ${folder}: ${reasonOf(error)}`, {
      hint: 'run it as root',
      cause: error,
    })
  }
}

function writeMemory(file: string, memory: Memory): void {
  writeWhole(file, `${JSON.stringify(memory)}\n`)
}

function readKept(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    if (!(error instanceof Error && 'syscall' in error)) throw error
    throw new UserError(`cannot read what the last audit knew, ${file}: ${error.message}`, {
      hint: 'run it as root',
      cause: error,
    })
  }
}

function memoryLost(file: string): AuditNews {
  return {
    severity: 'medium',
    reasons: ['audit-memory-lost'],
    summary: `audit: what the last audit knew is damaged (${file}): what became worse since cannot be told; run paddock audit`,
    container: null,
    group: 'audit memory-lost',
    details: {},
  }
}

function text({ engine, since, failures, worse }: Alerted): string {
  const where = printable(engine)
  if (since === null)
    return `The first audit of ${where}: ${failures} failures are known from now on, and only what is worse is told. paddock audit shows them.\n`
  if (worse.length === 0) return `Nothing is worse than at ${since} (${where}).\n`
  const lines = [...worse]
    .sort((one, other) => severityRank(other.severity) - severityRank(one.severity))
    .map(
      (one) =>
        `  ${one.severity.padEnd(8)}  ${printable(`${one.subject.name}: ${one.title}: ${one.evidence}`)}\n`,
    )
  return `Worse than at ${since} (${where}), left for the sensor to tell:\n${lines.join('')}`
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}
