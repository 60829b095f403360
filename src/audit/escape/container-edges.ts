import { writeAccess } from '../access.ts'
import { CAPABILITIES, capabilitiesAdded, capabilitiesIn } from '../capability.ts'
import { containerView, type ContainerView } from '../container-view.ts'
import { quoted } from '../check.ts'
import type { ContainerFact, EngineSocket, Facts, People, Reach } from '../facts.ts'
import { dangerousDevice } from '../device.ts'
import { listenersByReach } from '../listeners.ts'
import { ownerNode, socketNode } from './host-edges.ts'
import type { GraphBuilder } from './graph.ts'

/** Steps out of containers: by what they were given, alone or together. */
export function addContainerEdges(graph: GraphBuilder, facts: Facts): void {
  const containers = facts.containers.ok ? facts.containers.value : []
  const people = facts.people.ok ? facts.people.value : null
  const engineUid = facts.daemon.ok ? facts.daemon.value.uid : 0
  const sockets = facts.sockets.ok ? facts.sockets.value : []
  for (const container of containers) {
    const view = containerView(container, facts)
    const from = graph.node('container', container.name, `container ${container.name}`)
    const root = ownerNode(graph, engineUid, people)
    addPowers(graph, from, root, container, view)
    for (const reach of container.reaches)
      addReach(graph, from, root, container, view, reach, sockets, people)
    addHostProcesses(graph, from, root, container, view, people)
    addNeighbours(graph, from, container, view, containers, facts)
    if (facts.daemon.ok)
      for (const { address, open, loopback } of listenersByReach(facts.daemon.value)) {
        const hostNetwork = container.hostConfig.networkMode === 'host'
        if (!open || container.hostConfig.networkMode === 'none' || (loopback && !hostNetwork)) continue
        graph.edge({
          from,
          to: graph.node('listener', address),
          how: `reaches ${address} ${hostNetwork ? "from the host's own network" : 'through its gateway'}, which asks for no certificate`,
          remedy: 'remove the tcp:// address from the engine, or set tlsverify with certificates',
          weight: 'critical',
        })
      }
  }
}

function recreate(name: string, without: string): string {
  return `start ${quoted(name)} again without ${without}`
}

/** privileged, capabilities, devices: each a way out for root in a container that is root on the host too. */
function addPowers(
  graph: GraphBuilder,
  from: string,
  root: string,
  container: ContainerFact,
  view: ContainerView,
): void {
  const { hostConfig, name } = container
  const power = (label: string, how: string, flag: string): void => {
    const to = graph.node('power', `${name} ${label}`, label)
    graph.edge({
      from,
      to,
      how: how + view.asRootNote,
      remedy: recreate(name, flag),
      weight: view.becomesRoot === 'is' ? 'critical' : 'high',
    })
    graph.edge({ from: to, to: root, how: 'which nothing holds back from the host', remedy: '' })
  }
  if (view.remapped || view.becomesRoot === 'never') return
  if (hostConfig.privileged) {
    power('privileged', 'is privileged: every device, every capability, no seccomp', '--privileged')
    return
  }
  const added = [
    ...new Set([
      ...capabilitiesAdded(hostConfig.capAdd),
      ...capabilitiesIn(container.running?.bounding ?? 0n),
    ]),
  ]
  for (const capability of added.filter((each) => CAPABILITIES[each]?.root === true))
    power(
      `CAP_${capability}`,
      `has CAP_${capability}, which ${CAPABILITIES[capability]?.gives ?? ''}`,
      `--cap-add ${capability}`,
    )
  for (const { host } of hostConfig.devices) {
    const danger = dangerousDevice(host)
    if (danger?.root === true) power(host, `has ${host}, ${danger.gives}`, `--device ${host}`)
  }
}

function addReach(
  graph: GraphBuilder,
  from: string,
  root: string,
  container: ContainerFact,
  view: ContainerView,
  reach: Reach,
  sockets: readonly EngineSocket[],
  people: People | null,
): void {
  const mounts =
    reach.source === reach.path ? `mounts ${reach.path}` : `mounts ${reach.source}, which holds ${reach.path}`
  const remedy = recreate(container.name, `the mount of ${reach.source}`)
  if (reach.what === 'socket') {
    const socket = sockets.find(({ path }) => path === reach.path)
    if (socket === undefined) return
    // A read-only mount of a socket does not hinder connect().
    const direct = view.who !== null && writeAccess({ ...socket, parents: [] }, view.who) !== null
    const asRoot =
      view.becomesRoot !== 'never' &&
      writeAccess({ ...socket, parents: [] }, { uid: view.rootUid, gids: [view.rootUid] }) !== null
    if (!direct && !asRoot) return
    graph.edge({
      from,
      to: socketNode(graph, socket, people),
      how: mounts + (direct ? '' : view.asRootNote),
      remedy,
      weight: direct ? 'critical' : 'high',
    })
    return
  }
  const worth = reach.writable && reach.what !== 'dev' && reach.what !== 'runtime'
  // Writing needs root's id on the host: a remapped root owns nothing there.
  if (!worth || view.remapped || view.becomesRoot === 'never') return
  const to = graph.node('file', reach.path)
  graph.edge({
    from,
    to,
    how: `${mounts}, writable${view.asRootNote}`,
    remedy: recreate(container.name, `the mount of ${reach.source}, or with it read-only`),
    weight: view.becomesRoot === 'is' ? 'critical' : 'high',
  })
  graph.edge({ from: to, to: root, how: `who writes ${reach.path} decides what root runs`, remedy: '' })
}

/** The host's processes in view: with ptrace any of them, without it those of the same user. */
function addHostProcesses(
  graph: GraphBuilder,
  from: string,
  root: string,
  container: ContainerFact,
  view: ContainerView,
  people: People | null,
): void {
  if (container.hostConfig.pidMode !== 'host' || view.remapped) return
  const ptrace =
    capabilitiesAdded(container.hostConfig.capAdd).includes('SYS_PTRACE') ||
    capabilitiesIn(container.running?.effective ?? 0n).includes('SYS_PTRACE')
  const remedy = recreate(container.name, '--pid host')
  if (ptrace && view.becomesRoot !== 'never') {
    const to = graph.node('power', `${container.name} ptrace`, 'host processes')
    graph.edge({
      from,
      to,
      how: `sees the host's processes and may trace them${view.asRootNote}`,
      remedy,
      weight: 'critical',
    })
    graph.edge({ from: to, to: root, how: "and takes over one of root's", remedy: '' })
    return
  }
  const uid = view.who?.uid ?? 0
  const account = people?.accounts.find((each) => each.uid === uid)
  if (uid !== 0 && account !== undefined)
    graph.edge({
      from,
      to: graph.node('user', account.name),
      how: `sees the host's processes and runs as uid ${uid}, which is ${account.name} there: /proc/<pid>/root of one of theirs opens the host`,
      remedy,
      weight: 'high',
    })
}

/** Another container whose processes it shares: what that one may do, this one may too, where the kernel allows the look. */
function addNeighbours(
  graph: GraphBuilder,
  from: string,
  container: ContainerFact,
  view: ContainerView,
  all: readonly ContainerFact[],
  facts: Facts,
): void {
  for (const other of all) {
    if (other.id === container.id || !sharesProcesses(container, other)) continue
    const its = containerView(other, facts)
    const sameUser = view.who?.uid === its.who?.uid || view.becomesRoot === 'is'
    // __ptrace_may_access, kernel/ptrace.c: the one looked at may hold no capability that the looker lacks.
    const covered =
      container.running !== null && other.running !== null
        ? (other.running.effective & ~container.running.effective) === 0n
        : !other.hostConfig.privileged
    if (sameUser && covered)
      graph.edge({
        from,
        to: graph.node('container', other.name, `container ${other.name}`),
        how: `shares the process namespace of ${other.name}: /proc/<pid>/root is its filesystem with its mounts`,
        remedy: recreate(container.name, `--pid container:${other.name}`),
        weight: 'high',
      })
  }
}

function sharesProcesses(one: ContainerFact, other: ContainerFact): boolean {
  const names = (of: ContainerFact): string[] => [`container:${of.id}`, `container:${of.name}`]
  const own = one.running?.namespaces['pid']
  if (own !== undefined && own !== '' && one.hostConfig.pidMode !== 'host')
    return own === other.running?.namespaces['pid']
  return names(other).includes(one.hostConfig.pidMode) || names(one).includes(other.hostConfig.pidMode)
}
