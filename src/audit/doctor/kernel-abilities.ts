import { execFile, execFileSync, spawn } from 'node:child_process'
import {
  closeSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  FAN,
  type GroupKind,
  type MarkKind,
  probeAnswer,
  probeEvents,
  probeExecReported,
  probeGroup,
  probeMark,
  probeProcessConnector,
} from '../../lib/libc/abilities.ts'
import { listXattrsAt, openPath, close, DIRECTORY_FLAGS } from '../../lib/libc/files.ts'
import { allocate, errorText } from '../../lib/libc/library.ts'
import { type Ability, type Bench, missing, ok, type Trial, unknown } from './ability.ts'

const ROOT = 'run it as root, on the host itself and not in a container'
const KERNEL = 'a kernel of 5.10 or later with FANOTIFY and FANOTIFY_ACCESS_PERMISSIONS'

/** What the kernel must be able to do, each done once on an overlay of the trial's own. */
export const kernelAbilities: readonly Ability[] = [
  {
    id: 'overlay',
    title: 'Mounting an overlay',
    lost: 'the self-test of the sensor, and test instances on scratch copies',
    remedy: ROOT,
    try: (bench) => (bench.overlay === null ? missing(bench.overlayProblem) : ok('mounted')),
  },
  {
    id: 'layer-directory',
    title: 'Reading layer directories: whiteouts and the marks of overlayfs',
    lost: 'all of scan and watch: deletions and replaced folders cannot be told',
    remedy: ROOT,
    try: (bench) => withOverlay(bench, tryLayerDirectory),
  },
  {
    id: 'fanotify-overlay',
    title: 'Hearing of every write and exec in a container (fanotify on its overlay)',
    lost: 'changes are seen by the sweep only: minutes later, and not at all when they are undone before',
    remedy: KERNEL,
    try: (bench) =>
      withOverlay(bench, ({ merged }) =>
        withMark('descriptor', 'filesystem', FAN.CLOSE_WRITE | FAN.OPEN_EXEC, merged, (group) => {
          writeFileSync(join(merged, 'written'), 'x')
          const paths = probeEvents(group).map(({ fd }) => pathOf(fd))
          return paths.some((path) => path.endsWith('/written'))
            ? ok('a write was reported, with its file')
            : missing('a write was not reported')
        }),
      ),
  },
  {
    id: 'exec-deny',
    title: 'Denying a program (permission events)',
    lost: 'exec: deny; programs that are not in the image are reported, but run',
    remedy: KERNEL,
    try: (bench) => withOverlay(bench, tryDeny),
  },
  {
    id: 'ignore-marks',
    title: 'Letting verified programs pass unasked (ignore marks)',
    lost: 'speed: each start of a program waits for a verdict, 14 to 20 % in a loop of nothing else',
    remedy: KERNEL,
    try: (bench) =>
      withOverlay(bench, ({ merged }) =>
        withMark('permission', 'ignore', FAN.OPEN_EXEC_PERM, join(merged, 'program'), () => ok('accepted')),
      ),
  },
  {
    id: 'evictable-marks',
    title: 'Marks that hold no memory (evictable, Linux 5.19)',
    lost: 'memory: every verified program stays in the inode cache',
    remedy: 'a kernel of 5.19 or later',
    try: (bench) =>
      withOverlay(bench, ({ merged }) =>
        withMark('permission', 'evictable', FAN.OPEN_EXEC_PERM, join(merged, 'program'), () =>
          ok('accepted'),
        ),
      ),
  },
  {
    id: 'layer-watch',
    title: 'Hearing of names that appear and go in layer directories',
    lost: 'renames, deletions and new folders are seen by the sweep only',
    remedy: 'a kernel of 6.1 or later',
    try: (bench) =>
      withOverlay(bench, ({ merged, upper }) =>
        withMark('names', 'folder', FAN.CREATE | FAN.EVENT_ON_CHILD, upper, (group) => {
          writeFileSync(join(merged, 'appeared'), '')
          return probeEvents(group).some(({ mask }) => (mask & FAN.CREATE) !== 0)
            ? ok('a new name was reported')
            : missing('a new name was not reported')
        }),
      ),
  },
  {
    id: 'mount-marks',
    title: 'Watching volumes and bind mounts (mount marks)',
    lost: 'programs that a container runs from a volume are not seen',
    remedy: KERNEL,
    try: (bench) =>
      withOverlay(bench, ({ merged }) =>
        withMark('permission', 'mount', FAN.OPEN_EXEC_PERM, merged, () => ok('accepted')),
      ),
  },
  {
    id: 'process-connector',
    title: 'Hearing of every process (process connector)',
    lost: 'programs without a file (memfd), and who started what',
    remedy: 'a kernel with PROC_EVENTS, in the first network and pid namespace, as root',
    try: tryProcessConnector,
  },
  {
    id: 'proc',
    title: "Reading other processes' mounts and roots in /proc",
    lost: 'all of scan and watch: layer directories are found there',
    remedy: `${ROOT}; hidepid must not hide processes from root`,
    try: tryProc,
  },
]

type Overlay = NonNullable<Bench['overlay']>

async function withOverlay(
  bench: Bench,
  attempt: (overlay: Overlay) => Trial | Promise<Trial>,
): Promise<Trial> {
  return bench.overlay === null ? unknown('there is no overlay to try it on') : attempt(bench.overlay)
}

// Closing the group lets everything that waits for it go on, whatever happened before.
function withMark(
  group: GroupKind,
  mark: MarkKind,
  mask: number,
  path: string,
  attempt: (group: number) => Trial,
): Trial {
  const descriptor = probeGroup(group)
  if (descriptor < 0) return missing(`fanotify_init: ${errorText(descriptor)}`)
  try {
    const marked = probeMark(descriptor, mark, mask, path)
    return marked < 0 ? missing(`fanotify_mark: ${errorText(marked)}`) : attempt(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

async function tryDeny({ merged }: Overlay): Promise<Trial> {
  const group = probeGroup('permission')
  if (group < 0) return missing(`fanotify_init: ${errorText(group)}`)
  try {
    const marked = probeMark(group, 'filesystem', FAN.OPEN_EXEC_PERM, merged)
    if (marked < 0) return missing(`fanotify_mark: ${errorText(marked)}`)
    // A shell from outside starts it: the start itself waits for the verdict that this thread has to give.
    const ended = new Promise<number>((resolve) => {
      execFile('/bin/sh', ['-c', `"$0"`, join(merged, 'program')], { timeout: 5000 }, (error) => {
        resolve(error === null ? 0 : typeof error.code === 'number' ? error.code : -1)
      })
    })
    for (let round = 0; round < 100; round++) {
      for (const { fd } of probeEvents(group)) {
        probeAnswer(group, fd, false)
        closeSync(fd)
      }
      const code = await Promise.race([ended, sleep(20)])
      if (code !== undefined)
        return code === 126
          ? ok('a program was denied, exit code 126')
          : missing(`the program ended with ${code}, not denied`)
    }
    return missing('no event came')
  } finally {
    closeSync(group)
  }
}

function tryLayerDirectory({ merged, upper }: Overlay): Trial {
  rmSync(join(merged, 'deleted'))
  const whiteout = lstatSync(join(upper, 'deleted'))
  rmSync(join(merged, 'folder'), { recursive: true })
  mkdirSync(join(merged, 'folder'))
  const folder = openPath(upper, DIRECTORY_FLAGS)
  if (folder < 0) return missing(`open: ${errorText(folder)}`)
  try {
    const memory = allocate(65_536)
    const length = listXattrsAt(folder, 'folder', memory)
    const opaque =
      length > 0 && /(trusted|user)\.overlay\.opaque\0/.test(memory.bytes.toString('latin1', 0, length))
    if (!whiteout.isCharacterDevice() && whiteout.size !== 0) return missing('a deletion left no whiteout')
    return opaque
      ? ok('a whiteout and an opaque folder were read')
      : missing('the opaque mark of a folder cannot be read')
  } finally {
    close(folder)
    rmdirSync(join(merged, 'folder'))
  }
}

// A process in a mount namespace of its own, as a container's is.
async function tryProc(): Promise<Trial> {
  const child = spawn('unshare', ['--mount', 'sleep', '10'], { stdio: 'ignore' })
  child.once('error', () => undefined)
  try {
    const own = readlinkSync('/proc/self/ns/mnt')
    for (let round = 0; round < 100; round++) {
      await sleep(20)
      if (child.exitCode !== null || child.pid === undefined)
        return missing('a process with mounts of its own cannot be started')
      if (readlinkSync(`/proc/${child.pid}/ns/mnt`) === own) continue
      return readFileSync(`/proc/${child.pid}/mountinfo`, 'utf8') === ''
        ? missing('its mounts are hidden')
        : ok("another process's mounts were read")
    }
    return missing('its mounts stayed the same')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
    return missing(error.message)
  } finally {
    child.kill('SIGKILL')
  }
}

function tryProcessConnector(): Trial {
  const fd = probeProcessConnector()
  if (fd < 0) return missing(errorText(fd))
  try {
    execFileSync('/bin/sh', ['-c', ':'])
    return probeExecReported(fd)
      ? ok('an exec was reported')
      : missing('an exec was not reported: not the first pid namespace?')
  } finally {
    closeSync(fd)
  }
}

function pathOf(fd: number): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } finally {
    closeSync(fd)
  }
}
