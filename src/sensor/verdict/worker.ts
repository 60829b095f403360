import { closeSync, fstatSync } from 'node:fs'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import {
  EVENT,
  type FanotifyEvent,
  fanotifyInit,
  INIT,
  parseFanotifyEvents,
} from '../../lib/libc/fanotify.ts'
import { createLeases, parseLeaseSignals, SIGNAL_BYTES } from '../../lib/libc/lease.ts'
import { allocate, check, errorText } from '../../lib/libc/library.ts'
import { createPoll, readInto } from '../../lib/libc/poll.ts'
import { hurry } from '../hurry.ts'
import { createAnswers } from './answers.ts'
import type { FromVerdict, ToVerdict, VerdictSetup } from './messages.ts'
import { shareProgress } from './progress.ts'
import { createRoster } from './roster.ts'
import { createVerified } from './verified.ts'

/*
 * The thread that answers the kernel. It waits for nothing but the kernel: no engine, no policy file, no lock, no event
 * loop. Should it fail, the main thread closes the group's descriptor and every program goes on.
 */

/** At most so many events are taken at once: each opens a descriptor. */
const EVENTS_BYTES = 24 * 64
const PRIORITY = -15

if (parentPort === null) throw new Error('the verdict worker is started by src/sensor/verdict.ts')
const port = parentPort
const setup = workerData as VerdictSetup
const post = (message: FromVerdict): void => port.postMessage(message)

const { CLOEXEC, NONBLOCK, CLASS_CONTENT, UNLIMITED_MARKS, UNLIMITED_QUEUE, REPORT_TID } = INIT
/** Negative where the kernel has no permission events: containers are marked for what is written all the same. */
const group = fanotifyInit(
  CLOEXEC | NONBLOCK | CLASS_CONTENT | UNLIMITED_MARKS | UNLIMITED_QUEUE | REPORT_TID,
)
// A program waits while this thread does.
hurry(PRIORITY)
const poll = createPoll()
const leases = createLeases()
const verified = createVerified(setup.proc, group, leases, setup)
const roster = createRoster(setup.proc, { permission: group, changes: setup.changes }, poll, verified, post)
const answers = createAnswers(setup, group, roster, leases, verified, post)
const parts = [answers, verified, roster]
const memory = allocate(8192)
const progress = shareProgress(setup.progress)
const state = { stopped: false }

const receive: { readonly [T in ToVerdict['type']]: (message: Extract<ToVerdict, { type: T }>) => void } = {
  policy: ({ containerId, policy }) => answers.setPolicy(containerId, policy),
  forget: ({ containerId }) => answers.forgetPolicy(containerId),
  adopt: ({ init }) => roster.adopt(init, 'adopt'),
  'self-test': ({ containerId, overlay }) => roster.adoptOverlay(containerId, overlay),
  'self-test-over': ({ containerId }) => roster.forget(containerId),
  remark: () => roster.remarkAll(),
  runtimes: ({ binaries, stateRoots }) => roster.setRuntimes(binaries, stateRoots),
  'layer-roots': ({ layerRoots }) => roster.setLayerRoots(layerRoots),
  stop: () => void (state.stopped = true),
}

for (const fd of [setup.wake, leases.signals]) check(poll.add(fd), 'epoll_ctl', 'the verdict worker')
if (group >= 0) check(poll.add(group), 'epoll_ctl', 'the verdict worker')
else
  post({
    type: 'lost',
    what: `no program is denied, and what ran is seen by the sweep only: no permission events, ${errorText(group)}`,
  })
post({ type: 'ready', group })
if (group >= 0 && !setup.showsStacks)
  post({
    type: 'lost',
    what: 'a dynamic loader run as a program (ld.so /tmp/x) is not denied: the kernel shows no stacks',
  })
for (let timeoutMs = -1; !state.stopped; timeoutMs = soonest()) {
  progress.waits(answers.stats(), verified.size)
  const ready = poll.wait(timeoutMs)
  progress.works()
  // Ends first: what comes after may be of the container's next life.
  for (const fd of ready) roster.ended(fd)
  if (ready.includes(leases.signals)) returnLeases()
  if (ready.includes(setup.wake)) receiveMessages()
  if (ready.includes(group)) readEvents()
}
verified.dropAll()
if (group >= 0) closeSync(group)

/** Of several waits, -1 being for ever. */
function soonest(): number {
  let soonest = -1
  for (const part of parts) {
    const wait = part.proceed()
    if (wait >= 0 && (soonest < 0 || wait < soonest)) soonest = wait
  }
  return soonest
}

function receiveMessages(): void {
  readInto(setup.wake, memory, 8)
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
    const message = next.message as ToVerdict
    ;(receive[message.type] as (message: ToVerdict) => void)(message)
  }
}

function returnLeases(): void {
  const length = readInto(leases.signals, memory, 32 * SIGNAL_BYTES)
  const fds = parseLeaseSignals(memory.bytes, Math.max(0, length))
  if (fds === null) verified.dropAllLeases()
  else for (const fd of fds) verified.dropLease(fd)
}

function readEvents(): void {
  const length = readInto(group, memory, EVENTS_BYTES)
  for (const event of parseFanotifyEvents(memory.bytes, Math.max(0, length))) handle(event)
}

function handle(event: FanotifyEvent): void {
  if ((event.mask & EVENT.OPEN_EXEC_PERM) !== 0) {
    answers.ask(event)
    return
  }
  if ((event.mask & EVENT.Q_OVERFLOW) !== 0) post({ type: 'overflow' })
  if (event.fd < 0) return
  if ((event.mask & EVENT.CLOSE_WRITE) !== 0) {
    const stat = fstatSync(event.fd, { bigint: true })
    verified.dropInode(Number(stat.dev), stat.ino)
  }
  closeSync(event.fd)
}
