import { closeSync, fstatSync } from 'node:fs'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { EVENT, type FanotifyEvent, parseFanotifyEvents, parseFanotifyName } from '../../lib/libc/fanotify.ts'
import { allocate, errorText } from '../../lib/libc/library.ts'
import { openProcessConnector, parseProcessEvents, type ProcessEvent } from '../../lib/libc/netlink.ts'
import { createPoll, readInto } from '../../lib/libc/poll.ts'
import { hurry } from '../hurry.ts'
import { mountIdOf, pathOf } from '../verdict/judge-exec.ts'
import { exeDevice, type Lineage, readProcFile } from '../process-info.ts'
import type { MarkedContainer } from '../verdict/messages.ts'
import { createLayerWatch } from './layer-watch.ts'
import { devicesOf, strangeProgram } from '../strange-program.ts'
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
/** Of one queue. */
const DATAGRAMS_AT_ONCE = 16_384
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
/** Who starts a program is looked at at once; who began and ended is asked for when somebody did something. */
const starts = openProcessConnector(['exec', 'user'])
const lives = openProcessConnector(['fork', 'exit'])
const table = createProcessTable(setup.proc)
const strangers = createStrangers()
/** And whether all that it starts is asked for. */
const followed = new Map<string, boolean>()
/** Of these the ones that are marked. */
const containers = new Map<string, MarkedContainer>()
const itsDevices = new Map<string, ReadonlySet<number>>()
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
  if (starts >= 0) one.add(starts)
}
if (lives >= 0) poll.add(lives)
if (setup.changes >= 0) poll.add(setup.changes)
if (layers.group >= 0) poll.add(layers.group)
else
  post({
    type: 'lost',
    what: `creates, renames, deletes and chmods are seen by the sweep only: ${errorText(layers.group)}`,
  })
if (starts < 0 || lives < 0)
  post({
    type: 'lost',
    what: `programs from memory (memfd) and foreign mounts are seen by the sweep only: no process connector, ${errorText(Math.min(starts, lives))}`,
  })
post({ type: 'ready' })

while (!state.stopped) {
  const gatherMs = Math.ceil(gatherUntil - performance.now())
  const ready = gatherMs > 0 ? urgent.wait(gatherMs) : poll.wait(isEmpty() ? -1 : 0)
  if (ready.includes(setup.wake)) receive()
  // Processes first: they are gone first.
  readProcesses()
  if (gatherMs > 0) continue
  const more = takeFiles(ready)
  gatherUntil = more ? 0 : performance.now() + GATHER_MS
}
// What was gathered, or still waited, when it was told to stop.
takeFiles(poll.wait(0))
for (const fd of [layers.group, starts, lives]) if (fd >= 0) closeSync(fd)

/** @returns whether the kernel has more already */
function takeFiles(ready: readonly number[]): boolean {
  const more = [ready.includes(setup.changes) && readChanges(), ready.includes(layers.group) && readNames()]
  flush()
  return more.includes(true)
}

function receive(): void {
  readInto(setup.wake, memory, 8)
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
    const message = next.message as ToKernel
    if (message.type === 'stop') state.stopped = true
    if (message.type === 'follow') followed.set(message.containerId, message.all)
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
  itsDevices.set(container.init.containerId, devicesOf(container))
  for (const mount of container.mounts) {
    mountIds.set(mount.mountId, container)
    if (mount.own) devices.set(mount.device, container)
  }
  const { pid, containerId } = container.init
  if (table.containerOf(pid) === null) table.executed(pid, containerId)
}

function forget(containerId: string): void {
  containers.delete(containerId)
  itsDevices.delete(containerId)
  for (const map of [devices, mountIds])
    for (const [key, { init }] of map) if (init.containerId === containerId) map.delete(key)
}

function isEmpty(): boolean {
  return written.length + named.length + started.length === 0
}

function flush(): void {
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
  if (who !== null || readsProcesses) return who
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
  // In this order: whoever started a program was forked before, and that is in the other queue by then.
  const events = [...drain(starts), ...drain(lives)]
  if (events.length === 0) return
  lineages = new Map()
  for (const event of events.sort((one, other) => one.at - other.at)) {
    if (event.what === 'exit') table.exited(event.pid)
    if (event.what === 'fork') table.forked(event.pid, event.parentPid)
    if (event.what === 'exec' || event.what === 'user') noteStarted(event.what, event.pid)
  }
}

function drain(connector: number): ProcessEvent[] {
  const events: ProcessEvent[] = []
  if (connector < 0) return events
  // One event a datagram: taken together, so that they come before the files that these processes write.
  for (let count = 0; count < DATAGRAMS_AT_ONCE; count++) {
    const length = readInto(connector, datagram)
    if (length === ENOBUFS) {
      table.missed()
      post({ type: 'overflow', source: 'process-connector' })
    }
    if (length <= 0) break
    events.push(...parseProcessEvents(datagram.bytes, length))
  }
  return events
}

function noteStarted(what: Started['what'], pid: number): void {
  const containerId = table.containerOf(pid) ?? containerOf(pid)
  if (containerId === null) return
  const asked = followed.get(containerId)
  // Told of a container that this thread has not heard of yet, too: the main thread may hear of it a moment later.
  if (asked === undefined && !strangers.isWorthReading(containerId)) return
  const process = what === 'exec' ? table.executed(pid, containerId) : table.changedUser(pid, containerId)
  if (process === null) return
  const device = exeDevice(setup.proc, pid)
  const devices = itsDevices.get(containerId)
  const isOrdinary = devices !== undefined && strangeProgram(process.exe, device, devices) === null
  if (asked === false && isOrdinary) return
  started.push({
    what,
    containerId,
    process,
    who: whoOf(pid, containers.get(containerId)),
    exeDevice: device,
  })
}

/** By its control group: the one thing a process in a container cannot leave. Not only those that are looked after. */
function containerOf(pid: number): string | null {
  const text = readProcFile(`${setup.proc}/${pid}/cgroup`) ?? ''
  let found: string | null = null
  for (const [id] of text.matchAll(/[0-9a-f]{64}/g)) {
    if (followed.has(id)) return id
    found ??= id
  }
  return found
}
