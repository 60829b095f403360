import { ANYONE, readAccess, replaceableIn, writeAccess, type Access, type Who } from '../access.ts'
import { quoted } from '../check.ts'
import type { Account, DaemonFile, EngineSocket, Facts, FileFact, People } from '../facts.ts'
import { listenersByReach } from '../listeners.ts'
import { sudoPower, sudoUsers } from '../sudo-power.ts'
import { ROOT, type GraphBuilder } from './graph.ts'

/** Roles of files that root reads and obeys: who may write one tells root what to do. */
const OBEYED = new Set([
  'unit of the engine',
  'unit of its socket',
  'configuration folder',
  'daemon configuration',
  'environment of the engine',
  'unit of containerd',
  'configuration of containerd',
  'program of the engine',
  'client that root runs',
  'plug-ins of the client',
  'plug-ins of the engine',
  'data root',
])

/** Steps that people on the host can take: groups, sockets, files, sudo, the API over TCP. */
export function addHostEdges(graph: GraphBuilder, facts: Facts): void {
  const people = facts.people.ok ? facts.people.value : null
  graph.node('anyone', 'anyone', 'anyone on this host')
  for (const socket of facts.sockets.ok ? facts.sockets.value : []) addSocket(graph, socket, people)
  for (const file of facts.files.ok ? facts.files.value : [])
    if (OBEYED.has(file.role)) addFile(graph, file, people)
  if (people !== null && facts.sudo.ok) addSudo(graph, facts, people)
  addListeners(graph, facts, people)
}

/** The node of a socket and the step from it to whomever its engine runs as. */
export function socketNode(
  graph: GraphBuilder,
  socket: Pick<EngineSocket, 'path' | 'engineUid'>,
  people: People | null,
): string {
  const id = graph.node('socket', socket.path)
  graph.edge({
    from: id,
    to: ownerNode(graph, socket.engineUid, people),
    how: `whoever writes to ${socket.path} starts programs as ${socket.engineUid === 0 ? 'root' : 'its user'}`,
    remedy: '',
  })
  return id
}

/** Root's node for uid 0, else the user's. */
export function ownerNode(graph: GraphBuilder, uid: number, people: People | null): string {
  if (uid === 0) return ROOT.id
  return graph.node('user', people?.accounts.find((account) => account.uid === uid)?.name ?? `uid ${uid}`)
}

function addSocket(graph: GraphBuilder, socket: EngineSocket, people: People | null): void {
  const to = socketNode(graph, socket, people)
  const mode = socket.mode.toString(8).padStart(4, '0')
  addAccess(graph, people, (who) => writeAccess(socket, who), to, socket.engineUid, {
    how: `may write to ${socket.path} (mode ${mode}${listed(socket)})`,
    remedy: socket.acl === null ? `chmod o= ${quoted(socket.path)}` : `setfacl -b ${quoted(socket.path)}`,
  })
}

function addFile(graph: GraphBuilder, file: DaemonFile, people: People | null): void {
  const to = graph.node('file', file.path)
  graph.edge({ from: to, to: ROOT.id, how: `root obeys the ${file.role}, ${file.path}`, remedy: '' })
  const mode = file.mode.toString(8).padStart(4, '0')
  addAccess(graph, people, (who) => writeAccess(file, who), to, 0, {
    how: `may write ${file.path} (mode ${mode}${listed(file)})`,
    remedy: `${file.acl === null ? '' : `setfacl -b ${quoted(file.path)} && `}chown root:root ${quoted(file.path)} && chmod go-w ${quoted(file.path)}`,
  })
  addAccess(graph, people, (who) => replaceableIn(file, who)?.access ?? null, to, 0, {
    how: `may replace ${file.path}, for a folder above it is open to writing`,
    remedy: `chmod go-w ${
      file.parents
        .filter(({ mode: each }) => (each & 0o022) !== 0 && (each & 0o1000) === 0)
        .map(({ path }) => quoted(path))
        .join(' ') || quoted(file.parents.at(-1)?.path ?? '/')
    }`,
  })
}

function listed({ acl }: FileFact): string {
  return acl === null ? '' : ', with an access list'
}

// Where any account will do, that is one step from "anyone", not one from each.
function addAccess(
  graph: GraphBuilder,
  people: People | null,
  access: (who: Who) => Access | null,
  to: string,
  ownUid: number,
  step: { how: string; remedy: string },
): void {
  if (access(ANYONE) !== null) graph.edge({ from: 'anyone:anyone', to, ...step, weight: 'critical' })
  for (const account of people?.accounts ?? []) {
    if (account.uid === 0 || account.uid === ownUid) continue
    const by = access({ uid: account.uid, gids: account.groups })
    if (by?.by === 'owner')
      graph.edge({ from: graph.node('user', account.name), to, ...step, weight: 'high' })
    else if (by?.by === 'group') addMember(graph, account, groupName(people, by.gid), to, step)
  }
  for (const { uid, gid, pids } of people?.lingering ?? []) {
    const by = access({ uid, gids: [gid] })
    if (by?.by !== 'group' || uid === ownUid) continue
    const group = graph.node('group', groupName(people, gid), `group ${groupName(people, gid)}`)
    graph.edge({ from: group, to, ...step })
    graph.edge({
      from: ownerNode(graph, uid, people),
      to: group,
      how: `still holds group ${groupName(people, gid)} in process ${pids.join(', ')}, though no longer a member`,
      remedy: `kill ${pids.join(' ')}`,
      weight: 'high',
    })
  }
}

function addMember(
  graph: GraphBuilder,
  account: Account,
  name: string,
  to: string,
  step: { how: string; remedy: string },
): void {
  const group = graph.node('group', name, `group ${name}`)
  graph.edge({
    from: graph.node('user', account.name),
    to: group,
    how: `is in group ${name}`,
    remedy: `gpasswd -d ${quoted(account.name)} ${quoted(name)}`,
    weight: 'high',
  })
  graph.edge({ from: group, to, how: `group ${name} ${step.how}`, remedy: step.remedy })
}

export function groupName(people: People | null, gid: number): string {
  return people?.groups.find((group) => group.gid === gid)?.name ?? String(gid)
}

function addSudo(graph: GraphBuilder, facts: Facts, people: People): void {
  for (const rule of facts.sudo.ok ? facts.sudo.value.rules : []) {
    const power = sudoPower(rule)
    if (power === null) continue
    for (const account of sudoUsers(rule, people.accounts, people.groups)) {
      const password = rule.noPassword ? 'without a password' : 'with a password'
      const what = power.how === 'everything' ? 'every command, docker included' : power.command
      for (const become of becomes(rule.runAs, account, people)) {
        const node = graph.node(
          'sudo',
          `${account.name} ${rule.file}:${rule.line} ${become}`,
          power.how === 'everything' ? 'sudo, all commands' : `sudo ${power.command}`,
        )
        graph.edge({
          from: graph.node('user', account.name),
          to: node,
          how: `may run ${what} as ${become} through sudo, ${password} (${rule.file}:${rule.line})`,
          remedy: `visudo -f ${quoted(rule.file)}`,
          weight: power.how === 'engine' ? 'high' : rule.noPassword ? 'medium' : 'info',
        })
        graph.edge({
          from: node,
          to: become === 'root' ? ROOT.id : graph.node('user', become),
          how: become === 'root' ? 'and root commands the engine' : `and acts as ${become}`,
          remedy: '',
        })
      }
    }
  }
}

function becomes(runAs: readonly string[], account: Account, people: People): string[] {
  if (runAs.includes('ALL') && !runAs.includes('!root')) return ['root']
  return runAs.flatMap((word) => {
    const found = people.accounts.find(({ name, uid }) => name === word || `#${uid}` === word)
    if (word === 'root' || word === '#0') return ['root']
    return found === undefined || found.name === account.name ? [] : [found.uid === 0 ? 'root' : found.name]
  })
}

function addListeners(graph: GraphBuilder, facts: Facts, people: People | null): void {
  if (!facts.daemon.ok) return
  const { uid } = facts.daemon.value
  for (const { address, open, loopback } of listenersByReach(facts.daemon.value)) {
    const to = graph.node('listener', address)
    graph.edge({
      from: to,
      to: ownerNode(graph, uid, people),
      how: `the engine obeys whoever speaks to ${address}`,
      remedy: '',
    })
    const remedy =
      'remove the tcp:// address from the engine, or set tlsverify with certificates; for a distant client use ssh://'
    if (open) {
      if (!loopback)
        graph.edge({
          from: graph.node('network', 'network', 'anyone on the network'),
          to,
          how: `reaches ${address}, which asks for no certificate`,
          remedy,
          weight: 'critical',
        })
      graph.edge({
        from: 'anyone:anyone',
        to,
        how: `reaches ${address}, which asks for no certificate`,
        remedy,
        weight: 'critical',
      })
      continue
    }
    for (const key of facts.clientKeys.ok ? facts.clientKeys.value.filter(isClientKey) : [])
      addKey(graph, key, to, people)
  }
}

function addKey(graph: GraphBuilder, key: FileFact, to: string, people: People | null): void {
  const step = { how: `may read the client's key ${key.path}`, remedy: `chmod 0400 ${quoted(key.path)}` }
  if (readAccess(key, ANYONE) !== null) graph.edge({ from: 'anyone:anyone', to, ...step, weight: 'critical' })
  for (const account of people?.accounts ?? []) {
    if (account.uid === 0) continue
    const by = readAccess(key, { uid: account.uid, gids: account.groups })
    if (by !== null && by.by !== 'other')
      graph.edge({ from: graph.node('user', account.name), to, ...step, weight: 'high' })
  }
}

export function isClientKey(file: FileFact): boolean {
  return file.path.endsWith('/key.pem')
}
