import { closeSync, fstatSync, statSync } from 'node:fs'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { EVENT, type FanotifyEvent, parseFanotifyEvents, parseFanotifyName } from '../../lib/libc/fanotify.ts'
import { allocate, errorText } from '../../lib/libc/library.ts'
import { openProcessConnector, parseProcessEvents } from '../../lib/libc/netlink.ts'
import { createPoll, readInto } from '../../lib/libc/poll.ts'
import { hurry } from '../hurry.ts'
import { mountIdOf, pathOf } from '../verdict/judge-exec.ts'
import { type Lineage, readProcFile } from '../process-info.ts'
import type { MarkedContainer } from '../verdict/messages.ts'
import { createLayerWatch } from './layer-watch.ts'
import { createProcessTable } from './process-table.ts'
import { createStrangers } from './strangers.ts'
import type { FromKernel, KernelSetup, Named, Started, ToKernel, Written } from './messages.ts'

/*
 * The thread that listens to what the kernel tells: close-after-write, names in layer directories, processes. It reads at
 * once what is gone a moment later (the process, the descriptor) and leaves all judging to the main thread.
 */

const LENT_MAXIMUM = 512
/** When the main thread is so far behind, the kernel's own queue takes the rest, and says so when it is full. */
const BATCHES_MAXIMUM = 64
const EVENTS_BYTES = 24 * 128
/** At most, of one event of the layer watch: its head, a file handle and a name. */
const NAME_EVENT_BYTES = 24 + 20 + 128 + 256
const DATAGRAMS_AT_ONCE = 1024
/** Before the programs it looks at, since on a busy machine they are gone otherwise; behind the thread that answers. */
const PRIORITY = -5
const ENOBUFS = -105
/**
 * What comes right after a batch is taken together with what follows: one wake-up of two threads for some milliseconds, not
 * for each file. Nothing is lost by it, for the kernel's queue holds the file; a process is looked at at once all the same.
 */
const GATHER_MS = 3

if (parentPort === null) throw new Error('the kernel worker is started by src/sensor/kernel.ts')
const port = parentPort
const setup = workerData as KernelSetup
const post = (message: FromKernel): void => port.postMessage(message)
const counters = new Int32Array(setup.counters)
const memory = allocate(64 * 1024)
/** Apart: processes are asked for while other events are being read. */
const datagram = allocate(64 * 1024)
let readsProcesses = false
/** All, and what does not wait for others: processes are gone soon. */
const poll = createPoll()
const urgent = createPoll()
const layers = createLayerWatch(setup.watchedDirectories)
const connector = openProcessConnector()
const table = createProcessTable(setup.proc)
const strangers = createStrangers()
const followed = new Set<string>()
/** Of these the ones that are marked. */
const containers = new Map<string, MarkedContainer>()
/** By device and by mount, as the verdict worker found them. */
const devices = new Map<number, MarkedContainer>()
const mountIds = new Map<number, MarkedContainer>()
const state = { stopped: false }
hurry(PRIORITY)

let written: Written[] = []
let named: Named[] = []
let started: Started[] = []
let gatherUntil = 0
/** Of this batch, by process: who writes thousands of files is looked up, and sent, once. */
let lineages = new Map<number, Lineage>()

for (const one of [poll, urgent]) {
  one.add(setup.wake)
  if (connector >= 0) one.add(connector)
}
if (setup.changes >= 0) poll.add(setup.changes)
if (layers.group >= 0) poll.add(layers.group)
else
  post({
    type: 'lost',
    what: `creates, renames, deletes and chmods are seen by the sweep only: ${errorText(layers.group)}`,
  })
if (connector < 0)
  post({
    type: 'lost',
    what: `programs from memory (memfd) and foreign mounts are seen by the sweep only: no process connector, ${errorText(connector)}`,
  })
post({ type: 'ready' })

while (!state.stopped) {
  const gatherMs = Math.ceil(gatherUntil - performance.now())
  const ready = gatherMs > 0 ? urgent.wait(gatherMs) : poll.wait(isEmpty() ? -1 : 0)
  if (ready.includes(setup.wake)) receive()
  // Processes first: they are gone first.
  if (connector >= 0) readProcesses()
  if (gatherMs <= 0) takeFiles(ready)
}
// What was gathered, or still waited, when it was told to stop.
takeFiles(poll.wait(0))
for (const fd of [layers.group, connector]) if (fd >= 0) closeSync(fd)

function takeFiles(ready: readonly number[]): void {
  const more = [ready.includes(setup.changes) && readChanges(), ready.includes(layers.group) && readNames()]
  flush(more.includes(true))
}

function receive(): void {
  readInto(setup.wake, memory, 8)
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
    const message = next.message as ToKernel
    if (message.type === 'stop') state.stopped = true
    if (message.type === 'follow') followed.add(message.containerId)
    if (message.type === 'unfollow') followed.delete(message.containerId)
    if (message.type === 'unwatch') {
      forget(message.containerId)
      layers.unwatch(message.containerId)
    }
    if (message.type === 'watch') {
      const { containerId } = message.container.init
      know(message.container)
      const directories = layers.watch(containerId, message.container.upper)
      if (directories > 0) post({ type: 'unwatched', containerId, directories })
    }
  }
}

function know(container: MarkedContainer): void {
  forget(container.init.containerId)
  containers.set(container.init.containerId, container)
  for (const mount of container.mounts) {
    mountIds.set(mount.mountId, container)
    if (mount.own) devices.set(mount.device, container)
  }
  table.get(container.init.pid)
}

function forget(containerId: string): void {
  containers.delete(containerId)
  for (const map of [devices, mountIds])
    for (const [key, { init }] of map) if (init.containerId === containerId) map.delete(key)
}

function isEmpty(): boolean {
  return written.length + named.length + started.length === 0
}

/** @param more whether the kernel has more already */
function flush(more: boolean): void {
  if (isEmpty()) return
  Atomics.add(counters, 1, 1)
  post({ type: 'batch', batch: { written, named, started } })
  written = []
  named = []
  started = []
  lineages = new Map()
  // Not a busy wait: the main thread notifies as it takes batches.
  for (let behind = Atomics.load(counters, 1); behind > BATCHES_MAXIMUM; behind = Atomics.load(counters, 1))
    Atomics.wait(counters, 1, behind, 1000)
  gatherUntil = more ? 0 : performance.now() + GATHER_MS
}

function whoOf(pid: number, container: MarkedContainer | undefined): Lineage | null {
  const known = lineages.get(pid)
  if (known !== undefined) return known
  const who = lookUp(pid, container)
  // What is not known whole may be a moment later.
  if (container !== undefined && who !== null && who.byExec !== null) lineages.set(pid, who)
  return who
}

function lookUp(pid: number, container: MarkedContainer | undefined): Lineage | null {
  // Right after the gate this thread may not have heard of the container yet; the main thread cuts what it is given.
  const init =
    container === undefined ? null : { pid: container.init.pid, pidNamespace: container.pidNamespace }
  const who = table.lineage(pid, init)
  if (who !== null || readsProcesses || connector < 0) return who
  // It began and ended since the processes were read: its start is in the queue.
  readProcesses()
  return table.lineage(pid, init)
}

/** @returns whether there may be more */
function readChanges(): boolean {
  const length = readInto(setup.changes, memory, EVENTS_BYTES)
  for (const event of parseFanotifyEvents(memory.bytes, Math.max(0, length))) {
    if ((event.mask & EVENT.Q_OVERFLOW) !== 0) post({ type: 'overflow', source: 'fanotify' })
    if (event.fd >= 0) noteWritten(event)
  }
  return length === EVENTS_BYTES
}

function noteWritten({ fd, pid }: FanotifyEvent): void {
  // First the path: a file that goes in between has no " (deleted)" behind it then, and none where it is not gone.
  const path = pathOf(fd) ?? ''
  const stat = fstatSync(fd, { bigint: true })
  const device = Number(stat.dev)
  // Only where the file system is not one container's own, a mount says whose it is.
  const mountId = devices.has(device) ? -1 : mountIdOf(fd)
  const lend = Atomics.load(counters, 0) < LENT_MAXIMUM
  written.push({
    fd: lend ? fd : null,
    device,
    mountId,
    inode: Number(stat.ino),
    links: Number(stat.nlink),
    mode: Number(stat.mode),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    sizeBytes: Number(stat.size),
    mtimeNs: stat.mtimeNs,
    ctimeNs: stat.ctimeNs,
    path,
    who: whoOf(pid, devices.get(device) ?? mountIds.get(mountId)),
  })
  if (lend) Atomics.add(counters, 0, 1)
  else closeSync(fd)
}

/** @returns whether there may be more */
function readNames(): boolean {
  const length = readInto(layers.group, memory)
  for (const event of parseFanotifyEvents(memory.bytes, Math.max(0, length))) {
    if ((event.mask & EVENT.Q_OVERFLOW) !== 0) post({ type: 'overflow', source: 'layer-watch' })
    const name = parseFanotifyName(memory.bytes, event)
    const place = name === null ? null : layers.locate(name)
    if (place === null) continue
    const who = whoOf(event.pid, containers.get(place.containerId))
    named.push({ ...place, who })
    const isNewFolder =
      (event.mask & EVENT.ONDIR) !== 0 && (event.mask & (EVENT.CREATE | EVENT.MOVED_TO)) !== 0
    if (!isNewFolder) continue
    for (const path of layers.enter(place.containerId, place.path))
      named.push({ containerId: place.containerId, path, who })
  }
  return length > memory.bytes.length - NAME_EVENT_BYTES
}

function readProcesses(): void {
  readsProcesses = true
  try {
    takeProcesses()
  } finally {
    readsProcesses = false
  }
}

function takeProcesses(): void {
  // One event a datagram: taken together, so that they come before the files that these processes write.
  for (let count = 0; count < DATAGRAMS_AT_ONCE; count++) {
    const length = readInto(connector, datagram)
    if (length === ENOBUFS) post({ type: 'overflow', source: 'process-connector' })
    if (length <= 0) return
    lineages = new Map()
    for (const event of parseProcessEvents(datagram.bytes, length)) {
      if (event.what === 'exit') table.exited(event.pid)
      if (event.what === 'fork') table.forked(event.pid, event.parentPid)
      if (event.what === 'exec' || event.what === 'user') noteStarted(event.what, event.pid)
    }
  }
}

function noteStarted(what: Started['what'], pid: number): void {
  const containerId = containerOf(pid)
  if (containerId === null) return
  // Told of a container that this thread has not heard of yet, too: the main thread may hear of it a moment later.
  if (!followed.has(containerId) && !strangers.isWorthReading(containerId)) return
  const process = table.executed(pid)
  if (process === null) return
  started.push({
    what,
    containerId,
    process,
    who: whoOf(pid, containers.get(containerId)),
    exeDevice: exeDevice(pid),
  })
}

/** By its control group: the one thing a process in a container cannot leave. Not only those that are looked after. */
function containerOf(pid: number): string | null {
  const text = readProcFile(`${setup.proc}/${pid}/cgroup`)?.toString('latin1') ?? ''
  let found: string | null = null
  for (const [id] of text.matchAll(/[0-9a-f]{64}/g)) {
    if (followed.has(id)) return id
    found ??= id
  }
  return found
}

function exeDevice(pid: number): number {
  try {
    return statSync(`${setup.proc}/${pid}/exe`).dev
  } catch {
    return -1
  }
}
