import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { compare, type Comparison, parseBaseline } from '../audit/baseline.ts'
import { applyError, applyPlan, parseUndo, undo } from '../audit/fix/apply.ts'
import { fixCommand, planFix, planText } from '../audit/fix/plan.ts'
import { gatherFacts } from '../audit/gather.ts'
import { imageRules } from '../audit/image-rules.ts'
import { hostTree } from '../audit/gather/host-tree.ts'
import { auditHtml } from '../audit/report/html.ts'
import { auditSarif } from '../audit/report/sarif.ts'
import { auditText } from '../audit/report/text.ts'
import { auditJson, isFailure, judge, runAudit } from '../audit/run.ts'
import { connectEngine } from '../engine/connect.ts'
import type { EngineReader } from '../engine/reader.ts'
import { UserError, hasCode } from '../lib/errors.ts'
import { printable } from '../lib/printable.ts'
import { alertAudit } from './audit/alert.ts'
import { defineCommand, type ExitCode, type Io, shared } from './command.ts'

export const command = defineCommand({
  summary: 'who and what on this host can become root through the engine',
  usage: [
    'audit [--images] [--json] [--all] [--html FILE] [--sarif FILE] [--baseline FILE]',
    'audit --alert [--json]',
    'audit --fix ID [--root DIR] [--yes]',
    'audit --undo RECORD [--root DIR] [--yes]',
  ],
  description: `
Looks at the people of this host, the engine, its containers and their images, and says what is wrong, why it
matters and what mends it; the ways in which someone becomes root stand first. It changes nothing, unless --fix
is given with --yes. Secrets are named, their values never shown.

Exit code: 0 nothing to mend (findings of severity info do not count), 1 something is, 2 it could not be done.
With --baseline only what is worse than the baseline counts.`,
  options: {
    json: shared.json,
    images: {
      type: 'boolean',
      help: "hold the image of every container against harden's rules too; seconds an image",
    },
    all: { type: 'boolean', help: 'show every subject, and what is well' },
    html: {
      type: 'string',
      value: 'FILE',
      help: 'write the report as one HTML file, with a picture of the ways to root',
    },
    sarif: { type: 'string', value: 'FILE', help: 'write the failures as SARIF 2.1.0; - is standard output' },
    baseline: { type: 'string', value: 'FILE', help: 'an earlier --json: only what is worse than it counts' },
    alert: {
      type: 'boolean',
      help: 'have the sensor tell what is worse than at the last --alert; for timers',
    },
    fix: { type: 'string', value: 'ID', help: 'plan what mends a check; with --yes do it, keeping a record' },
    undo: {
      type: 'string',
      value: 'RECORD',
      help: 'plan to put back what a --fix changed; with --yes do it',
    },
    root: {
      type: 'string',
      value: 'DIR',
      help: 'audit the files of a tree in place of the host’s; no engine unless --engine is given',
    },
    engine: shared.engine,
    yes: shared.yes,
  },
  examples: [
    ['paddock audit', 'the report, what to do first on top'],
    [
      'paddock audit --json > audit.json && paddock audit --baseline audit.json',
      'fails only on what became worse',
    ],
    ['paddock audit --images', 'with what harden would take out of each image'],
    ['paddock audit --html report.html', 'one file to send to someone'],
    ['paddock audit --fix live-restore', 'shows what would be changed in daemon.json'],
  ],
  arguments: { min: 0, max: 0 },
  async run({ options, io }): Promise<ExitCode> {
    if (options.alert === true) return alertAudit(alone(options).engine, options.json === true, io)
    const root = existingFolder(options.root ?? '/')
    if (options.undo !== undefined) return undoFix(options.undo, options.root, options.yes === true, io)
    const engine = await findEngine(options.engine, options.root !== undefined, io)
    if (options.fix !== undefined) return fix(options.fix, root, engine, options.yes === true, io)

    const baseline =
      options.baseline === undefined ? null : parseBaseline(readText(options.baseline), options.baseline)
    const more = options.images === true ? await imageChecks(engine, io) : []
    const report = await runAudit({ root, engine, more })
    const comparison: Comparison | null = baseline === null ? null : compare(baseline, report.findings)
    if (options.html !== undefined) writeText(options.html, auditHtml(report), io)
    if (options.sarif !== undefined)
      writeText(options.sarif, `${JSON.stringify(auditSarif(report, comparison), null, 2)}\n`, io)
    if (options.json === true) io.stdout.write(`${JSON.stringify(auditJson(report))}\n`)
    else if (options.sarif !== '-' && options.html !== '-')
      io.stdout.write(
        auditText(report, { colour: io.stdout.isTTY === true, all: options.all === true, comparison }),
      )
    return (comparison === null ? report.findings.some(isFailure) : comparison.worse.length > 0) ? 1 : 0
  },
})

// It looks at this host, compares with what it remembers itself, and changes nothing of the host.
function alone<T extends Readonly<Record<string, unknown>>>(options: T): T {
  const odd = Object.keys(options).find((name) => !['alert', 'json', 'engine'].includes(name))
  if (odd === undefined) return options
  throw new UserError(`cannot combine --alert with --${odd}`, { hint: 'run the two after one another' })
}

// A tree has no engine unless one is named. Without a tree there must be one: half an audit must not look like a whole.
async function findEngine(
  named: string | undefined,
  filesOnly: boolean,
  io: Io,
): Promise<EngineReader | null> {
  if (filesOnly && named === undefined) return null
  try {
    const engine = await connectEngine({ engine: named, env: io.env })
    await engine.info()
    return engine
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    throw new UserError(error.message, {
      hint: `${error.hint === undefined ? '' : `${error.hint}; `}to audit the files of this host alone: paddock audit --root /`,
      cause: error,
    })
  }
}

async function imageChecks(engine: EngineReader | null, io: Io) {
  if (engine === null)
    throw new UserError('cannot look into images: no engine is named', { hint: 'add --engine' })
  const tell = (image: string) =>
    io.stderr.isTTY === true && io.stderr.write(`reading ${printable(image)} …\n`)
  return [await imageRules(engine, io.signal, tell)]
}

async function fix(
  id: string,
  root: string,
  engine: EngineReader | null,
  yes: boolean,
  io: Io,
): Promise<ExitCode> {
  const tree = hostTree(root)
  const facts = await gatherFacts({ root, engine })
  const plan = planFix(id, facts, judge(facts), tree)
  if (plan.changes.length === 0) {
    io.stdout.write(`${plan.left.length === 0 ? `Nothing to mend: ${id}` : lines(planText(plan))}
`)
    return plan.left.length === 0 ? 0 : 1
  }
  io.stdout.write(`${lines(planText(plan))}\n`)
  if (!yes) {
    io.stdout.write(`\nNothing was changed. To do it: ${fixCommand(id, root)}\n`)
    return 0
  }
  try {
    const record = applyPlan(
      plan,
      tree,
      join(io.env['PADDOCK_STATE_DIR'] ?? '/var/lib/paddock', 'audit-undo'),
      new Date(),
    )
    io.stdout.write(`\nDone. To undo it: paddock audit --undo ${printable(record)} --yes\n`)
  } catch (error) {
    throw applyError(error)
  }
  return 0
}

function undoFix(file: string, root: string | undefined, yes: boolean, io: Io): ExitCode {
  const record = parseUndo(readText(file), file)
  if (root !== undefined && existingFolder(root) !== record.root)
    throw new UserError(`cannot undo ${file} in ${root}: it was done in ${record.root}`)
  const back = record.changes.flatMap(({ path, before, after }) =>
    before === null ? [] : [{ path, before: after, after: before }],
  )
  const removed = record.changes.filter(({ before }) => before === null).map(({ path }) => `remove ${path}`)
  io.stdout.write(
    `${lines([planText({ id: record.id, changes: back, then: [], left: [] }), ...removed].filter(Boolean).join('\n'))}\n`,
  )
  if (!yes) {
    io.stdout.write('\nNothing was changed. Add --yes to do it.\n')
    return 0
  }
  try {
    undo(record, hostTree(record.root))
  } catch (error) {
    throw applyError(error)
  }
  io.stdout.write('\nUndone.\n')
  return 0
}

function lines(text: string): string {
  return text.split('\n').map(printable).join('\n')
}

function existingFolder(path: string): string {
  try {
    if (statSync(path).isDirectory()) return resolve(path)
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'EACCES', 'ENOTDIR')) throw error
  }
  throw new UserError(`cannot audit ${path}: it is not a folder that can be read`)
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error)
      throw new UserError(`cannot read ${path}: ${error.message}`, { cause: error })
    throw error
  }
}

function writeText(path: string, text: string, io: Io): void {
  if (path === '-') {
    io.stdout.write(text)
    return
  }
  try {
    writeFileSync(path, text)
  } catch (error) {
    if (error instanceof Error && 'code' in error)
      throw new UserError(`cannot write ${path}: ${error.message}`, { cause: error })
    throw error
  }
}
