import { pathJson, pathText } from '../../lib/byte-path.ts'
import { UserError } from '../../lib/errors.ts'
import { printable } from '../../lib/printable.ts'
import { checkTenant } from '../../uidmap/check.ts'
import { below } from '../../uidmap/check-tree.ts'
import type { EntryState } from '../../uidmap/entry-state.ts'
import { applyFix, type FixResult, undoFix } from '../../uidmap/fix-apply.ts'
import { closeFix, openFixLog, readFixLog } from '../../uidmap/fix-log.ts'
import { type EntryChange, type FixPlan, planFix } from '../../uidmap/fix-plan.ts'
import { readHostFiles } from '../../uidmap/host-files.ts'
import type { Problem } from '../../uidmap/mount-report.ts'
import { tenantOf } from '../../uidmap/tenants.ts'
import { defineCommand, type ExitCode, type Io, shared } from '../command.ts'
import { openSetup, rootOption } from './options.ts'
import { throwFirst } from './plan-report.ts'
import { openResidence } from './tenant-sources.ts'

export const command = defineCommand({
  summary: 'mend what check found for a container: owners by mapped id, or ACLs; can be undone',
  usage: [
    'uidmap fix NAME [--acl] [--yes] [--root DIR] [--json]',
    'uidmap fix --undo LOG [--yes] [--root DIR] [--json]',
  ],
  description: `
Shows what it takes so that those who live in the container can use what it mounts, and with --yes does it: the trees
that it lost to the mapping get the mapped owners (0 becomes 200000, 33 becomes 200033), or with --acl each person who
is kept out gets an entry of its own and owners stay; folders above a mount get an ACL that lets the container's root
pass, and nobody else. Never follows a link, never leaves the mount's tree, never gives away sockets, devices or
folders of the system. What was there before goes to a log first, by which --undo takes it all back.

Exit code: 0 done, or shown, 1 something is left to mend, 2 it could not be done.`,
  options: {
    acl: { type: 'boolean', help: 'grant by ACLs; owners stay' },
    undo: { type: 'string', value: 'LOG', help: 'take back what a fix did, by its log' },
    yes: shared.yes,
    json: shared.json,
    engine: shared.engine,
    policy: shared.policy,
    root: rootOption,
  },
  examples: [
    ['paddock uidmap fix web', 'what would change, entry by entry; changes nothing'],
    ['paddock uidmap fix web --yes', 'does it, and names the log'],
    ['paddock uidmap fix --undo /var/lib/paddock/uidmap/fixes/…-web.jsonl --yes', 'takes it back'],
  ],
  arguments: { min: 0, max: 1 },
  async run({ positionals: [name], options, io }): Promise<ExitCode> {
    const report: Report = { io, json: options.json === true, yes: options.yes === true }
    if (options.undo !== undefined) {
      if (name !== undefined)
        throw new UserError("'paddock uidmap fix --undo' takes a log and no name", {
          hint: 'leave the name out',
        })
      return undo(options.undo, report)
    }
    if (name === undefined)
      throw new UserError("'paddock uidmap fix' needs the name of a container", {
        hint: "'paddock uidmap check' names those to mend",
      })
    const setup = await openSetup(options, io, 'always')
    const { reader, sources } = await openResidence(
      setup,
      readHostFiles(setup.host, setup.configFile),
      options.policy,
      io,
    )
    const container = await reader.container(name)
    const tenant = await tenantOf(container, sources)
    if (typeof tenant === 'string') throw new UserError(`cannot fix ${container.name}: ${tenant}`)
    const plan = planFix(tenant, checkTenant(tenant), options.acl === true ? 'acl' : 'owner')
    throwFirst(plan.obstacles)
    const head = { container: container.name, mode: options.acl === true ? 'acl' : 'owner' }
    if (!report.yes || plan.changes.length === 0) {
      show(report, head, plan, null)
      return plan.changes.length === 0 && plan.skipped.length > 0 ? 1 : 0
    }
    using log = openFixLog(setup.host, container.name, plan.changes)
    const result = applyFix(plan.changes, log)
    const left = checkTenant(tenant).flatMap(({ problems }) => problems)
    show(report, head, plan, { ...result, log: log.file, left })
    return left.length === 0 ? 0 : 1
  },
})

interface Report {
  readonly io: Io
  readonly json: boolean
  readonly yes: boolean
}

interface Done extends FixResult {
  readonly log: string
  /** What check finds afterwards. */
  readonly left: readonly Problem[]
}

/** Entries told one by one for people; JSON has all. */
const SHOWN = 40

function show(
  { io, json }: Report,
  head: object & { container: string },
  plan: FixPlan,
  done: Done | null,
): void {
  if (json) {
    const document = {
      version: 1,
      ...head,
      done: done !== null,
      changes: plan.changes.map(changeJson),
      skipped: [...plan.skipped, ...(done?.skipped ?? [])].map(({ path, why }) => ({
        ...pathJson(path),
        why,
      })),
      changed: done?.changed ?? 0,
      log: done?.log ?? null,
      left: done === null ? null : done.left.map(({ path, why, mend }) => ({ ...pathJson(path), why, mend })),
    }
    io.stdout.write(`${JSON.stringify(document, null, 2)}\n`)
    return
  }
  const lines = [
    ...changeLines(plan.changes),
    ...[...plan.skipped, ...(done?.skipped ?? [])].map(
      ({ path, why }) => `left as it is: ${printable(pathText(path))}: ${printable(why)}`,
    ),
  ]
  if (plan.changes.length === 0) lines.push(`Nothing of ${head.container} has to change.`)
  else if (done === null) lines.push('', 'Nothing was changed. Add --yes to do it.')
  else
    lines.push(
      `${done.changed} entries changed. Take it back with: paddock uidmap fix --undo ${done.log} --yes`,
      ...done.left.map(({ path, why }) => `still: ${printable(pathText(path))}: ${printable(why)}`),
    )
  io.stdout.write(lines.map((line) => `${line}\n`).join(''))
}

function changeLines(changes: readonly EntryChange[]): string[] {
  const shown = changes.slice(0, SHOWN).map(({ root, path, before, after }) => {
    return `${printable(pathText(below(root, path)))}: ${difference(before, after).join(', ')}`
  })
  return changes.length > SHOWN ? [...shown, `… and ${changes.length - SHOWN} more (--json has all)`] : shown
}

function difference(before: EntryState, after: EntryState): string[] {
  const owner = `${before.uid}:${before.gid} → ${after.uid}:${after.gid}`
  const mode = `mode ${octal(before.mode)} → ${octal(after.mode)}`
  const same = (a: Buffer | null, b: Buffer | null) => (a === null || b === null ? a === b : a.equals(b))
  return [
    ...(before.uid === after.uid && before.gid === after.gid ? [] : [owner]),
    ...(before.mode === after.mode ? [] : [mode]),
    ...(same(before.acl, after.acl) ? [] : ['ACL']),
    ...(same(before.defaultAcl, after.defaultAcl) ? [] : ['default ACL']),
    ...(same(before.capability, after.capability) ? [] : ['capabilities']),
  ]
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8)
}

function changeJson({ root, path, before, after }: EntryChange) {
  return { ...pathJson(below(root, path)), before: stateJson(before), after: stateJson(after) }
}

function stateJson({ uid, gid, mode, acl, defaultAcl, capability }: EntryState) {
  const text = (bytes: Buffer | null) => bytes?.toString('base64') ?? null
  return {
    uid,
    gid,
    mode: mode.toString(8),
    acl: text(acl),
    defaultAcl: text(defaultAcl),
    capability: text(capability),
  }
}

function undo(file: string, { io, json, yes }: Report): ExitCode {
  const fix = readFixLog(file)
  const back = fix.changes.toReversed().map((one) => ({ ...one, before: one.after, after: one.before }))
  const result = yes ? undoFix(fix) : null
  if (result?.skipped.length === 0) closeFix(file)
  if (json)
    io.stdout.write(
      `${JSON.stringify({ version: 1, container: fix.container, undo: file, done: yes, changes: back.map(changeJson), changed: result?.changed ?? 0, skipped: (result?.skipped ?? []).map(({ path, why }) => ({ ...pathJson(path), why })) }, null, 2)}\n`,
    )
  else {
    const lines = changeLines(back)
    if (result === null) lines.push('', 'Nothing was changed. Add --yes to do it.')
    else
      lines.push(
        ...result.skipped.map(
          ({ path, why }) => `left as it is: ${printable(pathText(path))}: ${printable(why)}`,
        ),
        `${result.changed} entries put back.`,
      )
    io.stdout.write(lines.map((line) => `${line}\n`).join(''))
  }
  return result !== null && result.skipped.length > 0 ? 1 : 0
}
