import { constants } from 'node:os'
import { AT_EXECVE_CHECK } from './execve.ts'
import { check, declare } from './library.ts'
import {
  type Instruction,
  JUMP_IF_EQUAL,
  JUMP_IF_GREATER_OR_EQUAL,
  JUMP_IF_SET,
  LOAD,
  packetFilter,
  RETURN,
} from './packet-filter.ts'

const syscall = declare('syscall', 'long', ['long', 'ulong', 'ulong', 'address'])

const SECCOMP_SET_MODE_FILTER = 1
const SECCOMP_FILTER_FLAG_TSYNC = 1
const RET_ALLOW = 0x7fff0000
const RET_ERRNO = 0x00050000

// struct seccomp_data (linux/seccomp.h): what a filter looks at. Of the arguments the low 32 bits are enough here.
const AT_NUMBER = 0
const AT_ARCHITECTURE = 4
const AT_FIRST_ARGUMENT = 16
const AT_FIFTH_ARGUMENT = 48

/** A call of the x32 kind, which has numbers of its own. */
const X32_BIT = 0x40000000
const CLONE_THREAD = 0x00010000

interface Architecture {
  /** AUDIT_ARCH_… */
  readonly audit: number
  readonly seccomp: number
  readonly execve: number
  readonly execveat: number
  readonly clone: number
  readonly clone3: number
  readonly socket: number
  /** By name, in this architecture's numbers. */
  readonly calls: Readonly<Record<string, number>>
}

const x64: Architecture = {
  audit: 0xc000003e,
  seccomp: 317,
  execve: 59,
  execveat: 322,
  clone: 56,
  clone3: 435,
  socket: 41,
  calls: {
    fork: 57,
    vfork: 58,
    ptrace: 101,
    process_vm_readv: 310,
    process_vm_writev: 311,
    init_module: 175,
    finit_module: 313,
    delete_module: 176,
    kexec_load: 246,
    kexec_file_load: 320,
    bpf: 321,
    perf_event_open: 298,
    userfaultfd: 323,
    // Does what other calls do, past this filter.
    io_uring_setup: 425,
    reboot: 169,
    swapon: 167,
    swapoff: 168,
    acct: 163,
    settimeofday: 164,
    clock_settime: 227,
    iopl: 172,
    ioperm: 173,
  },
}

const arm64: Architecture = {
  audit: 0xc00000b7,
  seccomp: 277,
  execve: 221,
  execveat: 281,
  clone: 220,
  clone3: 435,
  socket: 198,
  calls: {
    ptrace: 117,
    process_vm_readv: 270,
    process_vm_writev: 271,
    init_module: 105,
    finit_module: 273,
    delete_module: 106,
    kexec_load: 104,
    kexec_file_load: 294,
    bpf: 280,
    perf_event_open: 241,
    userfaultfd: 282,
    io_uring_setup: 425,
    reboot: 142,
    swapon: 224,
    swapoff: 225,
    acct: 89,
    settimeofday: 170,
    clock_settime: 112,
  },
}

const architectures: Readonly<Record<string, Architecture>> = { x64, arm64 }

export interface Allowed {
  /** AF_… numbers. */
  readonly socketFamilies: readonly number[]
  /** Whether the process may execute a program in its own place. */
  readonly execve: boolean
}

/**
 * From now on no thread of this process can start a process, execute a program, open a socket of another kind than
 * those allowed, or do what the table above names; such calls fail with EPERM. Threads may still be started, and the
 * kernel asked whether a program may run. Needs no_new_privs or CAP_SYS_ADMIN.
 * @throws on an architecture whose numbers are not in the table, and where the kernel has no filters
 */
export function forbidSystemCalls(allowed: Allowed): void {
  const architecture = architectures[process.arch]
  if (architecture === undefined) throw new Error(`the calls of ${process.arch} are not known`)
  const program = packetFilter(filter(architecture, allowed))
  check(
    syscall(architecture.seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, program.address),
    'seccomp',
    'filter',
  )
}

function filter(architecture: Architecture, { socketFamilies, execve }: Allowed): Instruction[] {
  const { EPERM, ENOSYS } = constants.errno
  const refuse = (errno: number): Instruction => [RETURN, 0, 0, RET_ERRNO | errno]
  const allow: Instruction = [RETURN, 0, 0, RET_ALLOW]
  const refuseCall = (number: number, errno: number): Instruction[] => [
    [JUMP_IF_EQUAL, 0, 1, number],
    refuse(errno),
  ]
  const thread: Instruction[] = [
    [LOAD, 0, 0, AT_FIRST_ARGUMENT],
    [JUMP_IF_SET, 0, 1, CLONE_THREAD],
    allow,
    refuse(EPERM),
  ]
  const question: Instruction[] = [
    [LOAD, 0, 0, AT_FIFTH_ARGUMENT],
    [JUMP_IF_EQUAL, 0, 1, AT_EXECVE_CHECK],
    allow,
    refuse(EPERM),
  ]
  const socket: Instruction[] = [
    [LOAD, 0, 0, AT_FIRST_ARGUMENT],
    ...socketFamilies.flatMap((family): Instruction[] => [[JUMP_IF_EQUAL, 0, 1, family], allow]),
    refuse(EPERM),
  ]
  return [
    [LOAD, 0, 0, AT_ARCHITECTURE],
    [JUMP_IF_EQUAL, 1, 0, architecture.audit],
    refuse(EPERM),
    [LOAD, 0, 0, AT_NUMBER],
    [JUMP_IF_GREATER_OR_EQUAL, 0, 1, X32_BIT],
    refuse(EPERM),
    ...Object.values(architecture.calls).flatMap((number) => refuseCall(number, EPERM)),
    ...(execve ? [] : refuseCall(architecture.execve, EPERM)),
    // Its flags lie in memory, where a filter cannot look; libc then takes clone.
    ...refuseCall(architecture.clone3, ENOSYS),
    [JUMP_IF_EQUAL, 0, question.length, architecture.execveat],
    ...question,
    [JUMP_IF_EQUAL, 0, thread.length, architecture.clone],
    ...thread,
    [JUMP_IF_EQUAL, 0, socket.length, architecture.socket],
    ...socket,
    allow,
  ]
}
