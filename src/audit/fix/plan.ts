import { UserError } from '../../lib/errors.ts'
import type { Finding } from '../check.ts'
import { quoted } from '../check.ts'
import type { Facts, FileFact } from '../facts.ts'
import type { HostTree } from '../gather/host-tree.ts'

/** A file as it is or shall be. `text` null keeps or has no content of ours: a socket, a folder, a mode alone. */
export interface FileState {
  readonly text: string | null
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

export interface FileChange {
  /** On the host, not below `--root`. */
  readonly path: string
  /** Null when it does not exist yet. */
  readonly before: FileState | null
  readonly after: FileState
}

/** What a fix will do: printed first, then carried out by apply.ts, which decides nothing. */
export interface Plan {
  readonly id: string
  readonly changes: readonly FileChange[]
  /** What a person still has to do for it to hold: "systemctl restart docker". */
  readonly then: readonly string[]
  /** What this fix leaves as it is, and why. */
  readonly left: readonly string[]
}

type Planner = (facts: Facts, findings: readonly Finding[], tree: HostTree) => Omit<Plan, 'id'>

const RESTART = ['restart the engine when it suits: systemctl restart docker']

/** Each check that can be mended by changing files, and how. */
const PLANNERS: Readonly<Record<string, Planner>> = {
  'docker-group': planGroups,
  'client-keys': planModes,
  'daemon-files': planModes,
  'audit-rules': planAuditRules,
  'live-restore': daemonSetting({ 'live-restore': true }, ['systemctl reload docker']),
  icc: daemonSetting({ icc: false }, RESTART),
  'no-new-privileges-default': daemonSetting({ 'no-new-privileges': true }, RESTART),
  'userland-proxy': daemonSetting({ 'userland-proxy': false }, RESTART),
  'log-limits': daemonSetting(
    { 'log-driver': 'json-file', 'log-opts': { 'max-size': '10m', 'max-file': '3' } },
    [...RESTART, 'containers that exist keep their own limits until they are made again'],
  ),
  'log-level': daemonSetting({ 'log-level': 'info', debug: false }, RESTART),
  'default-ulimits': daemonSetting(
    { 'default-ulimits': { nofile: { Name: 'nofile', Soft: 65_536, Hard: 65_536 } } },
    RESTART,
  ),
  experimental: daemonSetting({ experimental: false }, RESTART),
}

/** The checks that `--fix` knows. */
export const fixable: readonly string[] = Object.keys(PLANNERS).sort()

/**
 * What would mend a check here. Changes nothing.
 * @throws UserError when the check cannot be mended by Paddock, or not here
 */
export function planFix(id: string, facts: Facts, findings: readonly Finding[], tree: HostTree): Plan {
  const planner = Object.hasOwn(PLANNERS, id) ? PLANNERS[id] : undefined
  if (planner === undefined)
    throw new UserError(`cannot mend '${id}': no such check, or it takes more than changing files`, {
      hint: `these can be mended: ${fixable.join(', ')}`,
    })
  const failed = findings.filter((finding) => finding.id === id && finding.status === 'fail')
  return { id, ...(failed.length === 0 ? { changes: [], then: [], left: [] } : planner(facts, failed, tree)) }
}

/** The plan as a person reads it before saying yes. */
export function planText({ changes, then, left }: Plan): string {
  const lines = changes.flatMap(({ path, before, after }) => [
    `${before === null ? 'create' : 'change'} ${path}`,
    ...(before !== null && before.mode === after.mode
      ? []
      : [`  mode ${before === null ? '' : `${octal(before.mode)} -> `}${octal(after.mode)}`]),
    ...(before !== null && before.uid === after.uid && before.gid === after.gid
      ? []
      : [`  owner ${before === null ? '' : `${before.uid}:${before.gid} -> `}${after.uid}:${after.gid}`]),
    ...(after.text === null ? [] : lineDiff(before?.text ?? '', after.text).map((line) => `  ${line}`)),
  ])
  return [
    ...lines,
    ...left.map((line) => `left as it is: ${line}`),
    ...then.map((line) => `then: ${line}`),
  ].join('\n')
}

function daemonSetting(wanted: Readonly<Record<string, unknown>>, then: readonly string[]): Planner {
  return (facts, _findings, tree) => {
    if (!facts.daemon.ok) throw new UserError(`cannot mend it: ${facts.daemon.why}`)
    const { config, configFile, configProblem, settings } = facts.daemon.value
    if (configProblem !== null)
      throw new UserError(`cannot change ${configFile}: ${configProblem}`, { hint: 'correct it first' })
    const onCommandLine = Object.keys(wanted).filter((name) => settings.get(name)?.from === 'command line')
    if (onCommandLine.length > 0)
      throw new UserError(
        `cannot set ${onCommandLine.join(', ')} in ${configFile}: the engine's command line sets it, and the two must not meet`,
        { hint: 'change it in the unit of the engine' },
      )
    const text = tree.text(configFile)
    const fact = tree.fact(configFile)
    const merged = {
      ...config,
      ...Object.fromEntries(
        Object.entries(wanted).map(([name, value]) => [name, mergeObjects(config[name], value)]),
      ),
    }
    const after = `${JSON.stringify(merged, null, 2)}\n`
    return {
      changes: [
        {
          path: configFile,
          before: fact === null ? null : { text, mode: fact.mode, uid: fact.uid, gid: fact.gid },
          after: { text: after, mode: fact?.mode ?? 0o644, uid: fact?.uid ?? 0, gid: fact?.gid ?? 0 },
        },
      ],
      then,
      left: [],
    }
  }
}

function mergeObjects(before: unknown, wanted: unknown): unknown {
  const isObject = (value: unknown): value is object =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject(before) && isObject(wanted) ? { ...before, ...wanted } : wanted
}

function planModes(facts: Facts, findings: readonly Finding[], tree: HostTree): Omit<Plan, 'id'> {
  const groups = facts.people.ok ? facts.people.value.groups : []
  const wanted = facts.files.ok ? facts.files.value : []
  const changes = [...new Set(findings.map(({ subject }) => subject.name))].flatMap((path): FileChange[] => {
    const fact = tree.fact(path)
    if (fact === null) return []
    const before = stateOf(fact)
    const rule = wanted.find((file) => file.path === path)
    // A client's key stays its owner's; a daemon's file becomes root's.
    if (rule === undefined) return [{ path, before, after: { ...before, mode: fact.mode & 0o700 } }]
    const groupWell =
      groups.some(({ name, gid }) => gid === fact.gid && rule.ownerGroups.includes(name)) || fact.gid === 0
    const folders = fact.parents.filter(
      ({ mode, uid }) => uid !== 0 || ((mode & 0o022) !== 0 && (mode & 0o1000) === 0),
    )
    return [
      {
        path,
        before,
        after: {
          text: null,
          mode: fact.mode & (rule.maxMode | 0o7000),
          uid: 0,
          gid: groupWell ? fact.gid : 0,
        },
      },
      ...folders.map((folder): FileChange => ({
        path: folder.path,
        before: { text: null, mode: folder.mode, uid: folder.uid, gid: folder.gid },
        after: { text: null, mode: folder.mode & ~0o022, uid: 0, gid: folder.gid },
      })),
    ]
  })
  const unique = [...new Map(changes.map((change) => [change.path, change])).values()]
  return {
    changes: unique.filter(({ before, after }) => JSON.stringify(before) !== JSON.stringify(after)),
    then: [],
    left: [],
  }
}

function planGroups(facts: Facts, findings: readonly Finding[], tree: HostTree): Omit<Plan, 'id'> {
  const people = facts.people.ok ? facts.people.value : { accounts: [], groups: [] }
  const left: string[] = []
  const leaving = new Map<string, Set<string>>()
  for (const { subject, details } of findings)
    for (const name of details) {
      const listed =
        people.groups.find((group) => group.name === name)?.members.includes(subject.name) === true
      if (listed) leaving.set(name, (leaving.get(name) ?? new Set()).add(subject.name))
      else
        left.push(
          `${subject.name} in ${name}: by primary group or a remote name service; usermod -g, or its administrator, mends it`,
        )
    }
  const changes = ['/etc/group', '/etc/gshadow'].flatMap((path): FileChange[] => {
    const text = tree.text(path)
    const fact = tree.fact(path)
    if (text === null || fact === null) return []
    const after = text
      .split('\n')
      .map((line) => withoutMembers(line, leaving))
      .join('\n')
    return after === text
      ? []
      : [{ path, before: { ...stateOf(fact), text }, after: { ...stateOf(fact), text: after } }]
  })
  return {
    changes,
    left,
    then:
      changes.length === 0
        ? []
        : ['whoever is logged in keeps the group until they log out: loginctl terminate-user NAME'],
  }
}

// The members are the last field of group(5) and of gshadow(5) alike.
function withoutMembers(line: string, leaving: ReadonlyMap<string, ReadonlySet<string>>): string {
  const fields = line.split(':')
  const names = leaving.get(fields[0] ?? '')
  if (names === undefined || fields.length !== 4) return line
  const members = (fields[3] ?? '').split(',').filter((member) => !names.has(member.trim()))
  return [...fields.slice(0, 3), members.join(',')].join(':')
}

function planAuditRules(_facts: Facts, findings: readonly Finding[], tree: HostTree): Omit<Plan, 'id'> {
  if (tree.stat('/etc/audit/rules.d') === null)
    throw new UserError('cannot write audit rules: /etc/audit/rules.d does not exist', {
      hint: 'install the audit daemon first: apt-get install auditd',
    })
  const path = '/etc/audit/rules.d/50-paddock.rules'
  const text = tree.text(path)
  const fact = tree.fact(path)
  const own = (text ?? '').split('\n').filter((line) => line.startsWith('-w '))
  const lines = [
    ...new Set([...own, ...findings.map(({ subject }) => `-w ${subject.name} -p rwxa -k docker`)]),
  ]
  return {
    changes: [
      {
        path,
        before: fact === null ? null : { ...stateOf(fact), text },
        after: {
          text: `# Written by paddock audit --fix audit-rules.\n${lines.join('\n')}\n`,
          mode: 0o640,
          uid: 0,
          gid: 0,
        },
      },
    ],
    then: ['augenrules --load'],
    left: [],
  }
}

function stateOf({ mode, uid, gid }: FileFact): FileState {
  return { text: null, mode, uid, gid }
}

function lineDiff(before: string, after: string): string[] {
  const [old, fresh] = [before.split('\n'), after.split('\n')]
  return [
    ...old.filter((line) => line !== '' && !fresh.includes(line)).map((line) => `- ${line}`),
    ...fresh.filter((line) => line !== '' && !old.includes(line)).map((line) => `+ ${line}`),
  ]
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}

/** The command that carries the plan out. */
export function fixCommand(id: string, root: string): string {
  return `paddock audit --fix ${quoted(id)}${root === '/' ? '' : ` --root ${quoted(root)}`} --yes`
}
