import { hostname } from 'node:os'
import type { EngineReader } from '../engine/reader.ts'
import { UserError } from '../lib/errors.ts'
import type { Facts, Gathered } from './facts.ts'
import { gatherPeople } from './gather/accounts.ts'
import { gatherAuditRules } from './gather/audit-rules.ts'
import {
  gatherClientKeys,
  gatherKernel,
  gatherProfiles,
  gatherRootless,
  gatherStorage,
} from './gather/host.ts'
import { gatherContainers } from './gather/containers.ts'
import { gatherDaemon } from './gather/daemon.ts'
import { gatherDaemonFiles } from './gather/daemon-files.ts'
import { engineProcesses } from './gather/engine-process.ts'
import { hostTree } from './gather/host-tree.ts'
import { gatherImages } from './gather/images.ts'
import { gatherSockets } from './gather/sockets.ts'
import { gatherSudo } from './gather/sudo.ts'

export interface GatherOptions {
  /** Where the host's files are read: "/" or a tree that stands for a host. */
  readonly root: string
  /** Null audits files alone. */
  readonly engine: EngineReader | null
  /** Why there is no engine, where one was wanted. */
  readonly noEngine?: string
  readonly at?: Date
}

/** Reads all facts. Whatever cannot be read is said in its place; nothing is thrown but bugs. */
export async function gatherFacts({
  root,
  engine,
  noEngine = 'only files were audited',
  at = new Date(),
}: GatherOptions): Promise<Facts> {
  const tree = hostTree(root)
  const asked = async <T>(ask: (from: EngineReader) => Promise<T>): Promise<Gathered<T>> =>
    engine === null ? { ok: false, why: noEngine } : attempt(async () => ask(engine))

  const [info, networks, people] = await Promise.all([
    asked(async (from) => from.info()),
    asked(async (from) => from.networks()),
    attempt(async () => gatherPeople(tree)),
  ])
  const processes = await attempt(() => engineProcesses(tree))
  const running = processes.ok ? processes.value : []
  const daemon = await attempt(() => gatherDaemon(tree, running, engine?.address ?? null))
  const dataRoot = info.ok
    ? info.value.dataRoot
    : (textSetting(daemon, 'data-root') ?? (tree.stat('/var/lib/docker') === null ? null : '/var/lib/docker'))

  const sockets = await attempt(() => gatherSockets(tree, running, namedSockets(daemon, engine)))
  const known = sockets.ok ? sockets.value : []
  const profiles = await whenever(people, (value) => gatherProfiles(tree, value))
  const containers = await asked(async (from) => gatherContainers(from, tree, known, dataRoot))
  const dataKnown = daemon.ok ? daemon.value : null

  return {
    at,
    hostName: tree.live ? hostname() : (tree.text('/etc/hostname') ?? 'tree').trim(),
    root: tree.root,
    people,
    sudo: await attempt(() => gatherSudo(tree)),
    profiles,
    clientKeys: await whenever(people, (value) =>
      gatherClientKeys(tree, value, profiles.ok ? profiles.value : []),
    ),
    rootless: await whenever(people, (value) => gatherRootless(tree, value, running)),
    sockets,
    daemon,
    files: await attempt(() => gatherDaemonFiles(tree, dataKnown, known, dataRoot)),
    auditRules: await attempt(async () => gatherAuditRules(tree, dataKnown, known, dataRoot)),
    kernel: await attempt(() => gatherKernel(tree)),
    storage:
      dataRoot === null
        ? { ok: false, why: 'the data root is not known' }
        : await attempt(() => gatherStorage(tree, dataRoot)),
    engine: info,
    networks,
    containers,
    images: await whenever(containers, async (value) => (engine === null ? [] : gatherImages(engine, value))),
    imageCount: await asked(async (from) => (await from.images()).length),
  }
}

async function attempt<T>(gather: () => T | Promise<T>): Promise<Gathered<T>> {
  try {
    return { ok: true, value: await gather() }
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return { ok: false, why: error.message }
  }
}

async function whenever<T, R>(part: Gathered<T>, gather: (value: T) => R | Promise<R>): Promise<Gathered<R>> {
  return part.ok ? attempt(async () => gather(part.value)) : part
}

function textSetting(daemon: Facts['daemon'], name: string): string | undefined {
  const value = daemon.ok ? daemon.value.settings.get(name)?.value : undefined
  return typeof value === 'string' ? value : undefined
}

function namedSockets(
  daemon: Facts['daemon'],
  engine: EngineReader | null,
): { kind: 'docker' | 'podman'; path: string }[] {
  const kind = daemon.ok ? daemon.value.engine : 'docker'
  const addresses = [
    ...(daemon.ok ? daemon.value.listeners.map(({ address }) => address) : []),
    ...(engine === null ? [] : [engine.address]),
  ]
  return addresses.flatMap((address) => {
    const path = /^unix:\/\/(\/.*)$/.exec(address)?.[1]
    return path === undefined ? [] : [{ kind, path }]
  })
}
