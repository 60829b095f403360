import type { Change } from '../../cow/change.ts'
import { changesAt } from '../../cow/look-at.ts'
import { openNamed } from '../cow/open-entry.ts'
import { type BytePath, pathJson, pathText } from '../../lib/byte-path.ts'
import { printable } from '../../lib/printable.ts'
import { type Considered, explainChange } from '../../policy/explain.ts'
import { compilePolicy } from '../../policy/judge.ts'
import { type ExpectRule, type Policy, type RuleSource, sourceText } from '../../policy/policy.ts'
import { type Problem, problemText } from '../../policy/problem.ts'
import { type Assessment, assess, reasons } from '../../policy/severity.ts'
import { policyOf } from '../../policy/store.ts'
import { defineCommand, type ExitCode, shared } from '../command.ts'
import { findTarget, type Target, targetJson } from '../cow/target.ts'
import { base64Option, typedPath } from '../cow/typed-path.ts'
import { declaredPolicies } from '../policy-path.ts'
import { imageLabels } from '../scan/scan-container.ts'
import { type Style, styleFor } from '../style.ts'

export const command = defineCommand({
  summary: 'which rule expects a path, and how bad it would be without',
  usage: ['policy explain NAME PATH'],
  description: `
Tells what policy says of a path of a container: which rule expects its change, or which rules come near and why they do
not; how bad the change is where nothing expects it, and why; whether the file may run. Where nothing changed at PATH,
it tells what would be said of a plain file that is written there.

Exit code: 0 expected, 1 not expected.`,
  options: { base64: base64Option, json: shared.json, policy: shared.policy, engine: shared.engine },
  examples: [['paddock policy explain web /run/nginx.pid', 'expected by web.yaml:4']],
  arguments: { min: 2, max: 2 },
  async run({ positionals, options, io }): Promise<ExitCode> {
    const [name = '', typed = ''] = positionals
    const path = typedPath(typed, options.base64 === true)
    const declarations = declaredPolicies(options.policy, io.env)
    const target = await findTarget(name, options.engine, io)
    const labels = await imageLabels(target.container, target.engine)
    const { policy, problems } = policyOf(target.container, labels, declarations)
    const explanation = explain(policy, problems, await changeAt(target, path, io.signal))
    const { expected } = explanation
    if (options.json === true)
      io.stdout.write(
        `${JSON.stringify({ version: 1, container: targetJson(target), ...explanationJson(explanation) })}\n`,
      )
    else io.stdout.write(explanationText(explanation, styleFor(io.stdout, io.env)))
    return expected === null ? 1 : 0
  },
})

interface Explanation {
  readonly change: Change
  /** Whether it is no change but what would be one. */
  readonly supposed: boolean
  readonly considered: readonly Considered[]
  readonly expected: ExpectRule | null
  readonly assessment: Assessment
  readonly policy: Policy
  readonly mayRun: boolean
  readonly problems: readonly Problem[]
}

async function changeAt(
  { layer }: Target,
  path: BytePath,
  signal: AbortSignal,
): Promise<{ change: Change; supposed: boolean }> {
  const { changes } = await changesAt(layer, [path], signal)
  const change = changes.find((one) => one.path === path)
  if (change !== undefined) return { change, supposed: false }
  using was = openNamed(layer, 'baseline', path)
  const plain = { type: 'file', mode: 0o100644, uid: 0, gid: 0, sizeBytes: 0, links: 1, rdev: 0 } as const
  const now = was?.entry.type === 'file' ? was.entry : { ...plain, mtimeNs: 0n, inode: 0n, device: 0 }
  const written = { ...now, mtimeNs: now.mtimeNs + 1n }
  return {
    supposed: true,
    change: {
      path,
      kind: was === null ? 'added' : was.entry.type === 'file' ? 'modified' : 'replaced',
      type: 'file',
      now: written,
      was: was?.entry ?? null,
      xattrs: [],
      fileCapabilities: false,
    },
  }
}

function explain(
  policy: Policy,
  problems: readonly Problem[],
  { change, supposed }: { change: Change; supposed: boolean },
): Explanation {
  const { path, kind, now } = change
  const considered = explainChange(policy, {
    path,
    kind,
    sizeBytes: now?.type === 'file' ? now.sizeBytes : null,
  })
  const expected = considered.find(({ but }) => but === null)?.rule ?? null
  const mayRun = policy.exec === 'alert' || compilePolicy(policy).allowsExec(path)
  return { change, supposed, considered, expected, assessment: assess(change), policy, mayRun, problems }
}

function explanationText(explanation: Explanation, style: Style): string {
  const { change, supposed, considered, expected, assessment, policy, mayRun, problems } = explanation
  const what = supposed
    ? `unchanged; a plain file written there would be ${change.kind}`
    : `${change.kind} ${change.type}`
  const lines = [`${style.strong(printable(pathText(change.path)))}  ${style.dim(what)}`]
  if (expected !== null)
    lines.push(`${style.good('expected')} by ${place(expected.source)}  ${printable(expected.glob)}`)
  else lines.push(`${style.bad('not expected')}${considered.length === 0 ? ': no rule speaks of it' : ''}`)
  for (const { rule, but } of considered)
    if (but !== null) lines.push(`  not by ${place(rule.source)}  ${printable(rule.glob)}: ${but}`)
  const { severity } = assessment
  lines.push(
    `${expected === null ? 'severity' : 'severity, were it not expected'}: ${style.severity[severity](severity)}`,
  )
  for (const id of assessment.reasons) {
    const { technique = '', text = '' } = reasons.get(id) ?? {}
    lines.push(`  ${id.padEnd(20)} it ${text} ${style.dim(technique)}`)
  }
  if (policy.exec === 'deny')
    lines.push(
      mayRun ? 'may run: execAllow names it' : 'may not run: exec is deny, and execAllow does not name it',
    )
  return `${[...lines, ...problems.map(problemText)].join('\n')}\n`
}

function place(source: RuleSource): string {
  return printable(sourceText(source))
}

function explanationJson({
  change,
  supposed,
  considered,
  expected,
  assessment,
  policy,
  mayRun,
  problems,
}: Explanation): object {
  return {
    ...pathJson(change.path),
    kind: change.kind,
    type: change.type,
    supposed,
    expected: expected !== null,
    rule: expected === null ? null : sourceText(expected.source),
    considered: considered.map(({ rule, but }) => ({
      rule: sourceText(rule.source),
      glob: rule.glob,
      but,
    })),
    severity: assessment.severity,
    reasons: assessment.reasons.map((id) => {
      const reason = reasons.get(id)
      return { id, severity: reason?.severity, technique: reason?.technique, text: reason?.text }
    }),
    exec: { mode: policy.exec, mayRun },
    problems,
  }
}
