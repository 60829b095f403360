import { UserError } from '../lib/errors.ts'
import { type Account, addLines, nameProblem, parseGroup, parsePasswd } from './accounts.ts'
import { setKey } from './daemon-json.ts'
import type { FileEdit } from './file-edit.ts'
import type { Host } from './host.ts'
import { configuredRemap, directoryServices, type HostFiles } from './host-files.ts'
import type { IdMap, IdMaps } from './id-map.ts'
import type { Obstacle } from './obstacle.ts'
import { DEFAULT_SIZE, freeBase, planRange, type RangeFile, subgidFile, subuidFile } from './range-plan.ts'
import { rangesOf } from './subids.ts'

/** What `enable` was asked for. */
export interface EnableRequest {
  readonly user: string
  readonly base: number | null
  readonly size: number | null
  /** Whether a directory service knows the user (`getent`); null: it was not asked. */
  readonly inDirectory: boolean | null
}

/** Which files change, how, and what stands in the way. Made without touching anything. */
export interface EnablePlan {
  readonly user: string
  readonly maps: IdMaps
  /** In the order in which they are carried out: the engine's own file last, so that it never meets half of it. */
  readonly edits: readonly FileEdit[]
  /** Lines added per file, for the way back. */
  readonly addedLines: Readonly<Record<string, readonly string[]>>
  /** Of `userns-remap` now. */
  readonly valueBefore: string | null
  readonly obstacles: readonly Obstacle[]
  readonly notes: readonly string[]
}

/** Docker's own name for the user that it would make itself (moby, `defaultRemappedID`). */
export const DEFAULT_USER = 'dockremap'

/** @param host only for the paths in messages */
export function planEnable(host: Host, files: HostFiles, request: EnableRequest): EnablePlan {
  const accounts = parsePasswd(files.passwd)
  const groups = parseGroup(files.group)
  const account = accounts.find(({ name }) => name === request.user)
  const uids = subuidFile(files.subuid, accounts)
  const gids = subgidFile(files.subgid, groups)
  const base =
    request.base ??
    presentBase([uids, gids], request.user, account) ??
    freeBase([uids, gids], request.size ?? DEFAULT_SIZE)
  const user = { name: request.user, uid: account?.uid ?? null }
  const uidPlan = planRange(uids, user, request, base)
  const gidPlan = planRange(gids, user, request, base)

  const group = groups.find(({ name }) => name === request.user)
  const id = freeSystemId(files, accounts, groups)
  // An account whose group is missing yet (the power failed between the two files) gets the group it names.
  const own = groups.some((one) => one.gid === account?.gid) ? undefined : account?.gid
  const gid = group?.gid ?? own ?? id
  const added = {
    '/etc/passwd':
      account === undefined
        ? [`${request.user}:*:${id}:${gid}:Docker user namespace:/nonexistent:/usr/sbin/nologin`]
        : [],
    '/etc/group': group === undefined ? [`${request.user}:x:${gid}:`] : [],
    '/etc/subuid': uidPlan.line === null ? [] : [uidPlan.line],
    '/etc/subgid': gidPlan.line === null ? [] : [gidPlan.line],
  }
  const before = {
    '/etc/passwd': files.passwd,
    '/etc/group': files.group,
    '/etc/subuid': files.subuid,
    '/etc/subgid': files.subgid,
  }
  const configured = attempt(() => configuredRemap(host, files))
  const { path, text } = files.daemonJson
  const daemonJson =
    typeof configured === 'object' && configured !== null
      ? text
      : remappedJson(text, configured, request.user)
  const edits: FileEdit[] = [
    ...Object.entries(added).map(([file, lines]) => {
      const old = before[file as keyof typeof before]
      return {
        path: file,
        before: old,
        after: lines.length === 0 ? old : addLines(old ?? '', lines),
        mode: 0o644,
      }
    }),
    { path, before: text, after: daemonJson, mode: 0o644 },
  ].filter((edit) => edit.before !== edit.after)

  return {
    user: request.user,
    maps: { uids: uidPlan.map, gids: gidPlan.map },
    edits,
    addedLines: added,
    valueBefore: typeof configured === 'string' ? configured : null,
    obstacles: [
      ...userProblems(request, account, files.nsswitch),
      ...uids.bad,
      ...gids.bad,
      ...uidPlan.obstacles,
      ...gidPlan.obstacles.filter(({ problem }) => !uidPlan.obstacles.some((one) => one.problem === problem)),
      ...jsonProblems(host, configured, request.user, path),
      ...earlierProblems(files, request.user),
    ],
    notes: [...notes(request, account, files.nsswitch, configured), ...smallMap(uidPlan.map)],
  }
}

function presentBase(files: readonly RangeFile[], name: string, account: Account | undefined): number | null {
  for (const { ranges } of files) {
    const [first] = rangesOf(ranges, name, account?.uid ?? null)
    if (first !== undefined) return first.start
  }
  return null
}

/** As `useradd --system` chooses: from the upper end, free as a user's and as a group's id. */
function freeSystemId(
  files: HostFiles,
  accounts: readonly Account[],
  groups: readonly { gid: number }[],
): number {
  const taken = new Set([...accounts.map(({ uid }) => uid), ...groups.map(({ gid }) => gid)])
  const max = loginDef(files.loginDefs, 'SYS_UID_MAX') ?? 999
  const min = loginDef(files.loginDefs, 'SYS_UID_MIN') ?? 101
  for (let id = max; id >= min; id--) if (!taken.has(id)) return id
  throw new UserError(`cannot make a user: every system id from ${min} to ${max} is taken`, {
    hint: 'name an existing user with --user',
  })
}

function loginDef(text: string, key: string): number | null {
  const value = new RegExp(`^\\s*${key}\\s+(\\d+)`, 'm').exec(text)?.[1]
  return value === undefined ? null : Number(value)
}

function remappedJson(text: string | null, configured: string | null, user: string): string | null {
  return isThisUser(configured, user) ? text : setKey(text ?? '', 'userns-remap', user)
}

/** "default" is Docker's word for dockremap, and a group of the same name may stand behind a colon. */
function isThisUser(configured: string | null, user: string): boolean {
  return (
    configured === user ||
    configured === `${user}:${user}` ||
    (configured === 'default' && user === DEFAULT_USER)
  )
}

function userProblems(
  { user, inDirectory }: EnableRequest,
  account: Account | undefined,
  nsswitch: string,
): Obstacle[] {
  const problem = nameProblem(user)
  if (problem !== null)
    return [
      { problem: `cannot remap to the user '${user}': the name ${problem}`, hint: 'choose another --user' },
    ]
  if (user === 'root' || account?.uid === 0)
    return [
      {
        problem: `cannot remap to '${user}': root remapped to itself is no remapping, and Docker would turn it off with only a warning`,
        hint: 'leave --user out, and Paddock makes the user dockremap',
      },
    ]
  if (account === undefined && inDirectory === true)
    return [
      {
        problem: `cannot remap to '${user}': it comes from ${directoryServices(nsswitch).join(', ') || 'a directory service'}, not from /etc/passwd, and the engine would not start while the network is away`,
        hint: 'choose a --user of this machine, or leave it out',
      },
    ]
  return []
}

function jsonProblems(
  host: Host,
  configured: string | null | UserError,
  user: string,
  path: string,
): Obstacle[] {
  if (configured instanceof UserError) return [{ problem: configured.message, hint: configured.hint ?? '' }]
  if (configured === null || configured.split(':')[0] === 'root' || isThisUser(configured, user)) return []
  return [
    {
      problem: `cannot remap to '${user}': ${host.root}${path} remaps to '${configured}' already`,
      hint: `say --user ${configured.split(':')[0] ?? ''}, or disable that first`,
    },
  ]
}

function earlierProblems({ record }: HostFiles, user: string): Obstacle[] {
  if (record === null || record.user === user) return []
  return [
    {
      problem: `cannot remap to '${user}': an earlier 'paddock uidmap enable' remapped to '${record.user}' and is not undone`,
      hint: "say 'paddock uidmap disable' first",
    },
  ]
}

/** Images use 65534 for nobody. */
function smallMap(map: IdMap): string[] {
  const count = map.reduce((sum, range) => sum + range.count, 0)
  return count === 0 || count >= DEFAULT_SIZE
    ? []
    : [`containers will have the ids 0 to ${count - 1} only: what runs as another (nobody is 65534) cannot`]
}

function notes(
  { user, inDirectory }: EnableRequest,
  account: Account | undefined,
  nsswitch: string,
  configured: unknown,
): string[] {
  const services = directoryServices(nsswitch)
  const result: string[] = []
  if (typeof configured === 'string' && configured.split(':')[0] === 'root')
    result.push(
      `daemon.json says "userns-remap": "${configured}", which turns remapping off with only a warning: replaced`,
    )
  if (account === undefined && inDirectory === null && services.length > 0)
    result.push(
      `whether ${services.join(', ')} knows a user '${user}' is not known: it did not answer, or --root is a copy of a machine's files`,
    )
  return result
}

function attempt<T>(work: () => T): T | UserError {
  try {
    return work()
  } catch (error) {
    if (error instanceof UserError) return error
    throw error
  }
}
