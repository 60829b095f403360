import { readFileSync } from 'node:fs'
import { check, declare } from './library.ts'

const prctl = declare('prctl', 'int', ['int', 'ulong', 'ulong', 'ulong', 'ulong'])

const PR_SET_DUMPABLE = 4
const PR_CAPBSET_DROP = 24
const PR_SET_NO_NEW_PRIVS = 38

/** capabilities(7), by number. */
const names = [
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE',
  'NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN',
  'SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE',
  'MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE',
].flatMap((line) => line.split(' ').map((name) => `CAP_${name}`))

/**
 * The capabilities of this thread.
 * @param set "CapEff": what it may do now; "CapBnd": what it could ever have after an exec
 */
export function capabilities(set: 'CapEff' | 'CapBnd'): Set<string> {
  const status = readFileSync('/proc/thread-self/status', 'utf8')
  const bits = BigInt(`0x${new RegExp(`^${set}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1] ?? '0'}`)
  const held = new Set<string>()
  for (let number = 0; number < 64; number += 1) {
    if ((bits >> BigInt(number)) & 1n) held.add(names[number] ?? `CAP_${number}`)
  }
  return held
}

/**
 * Takes capabilities from this thread's bounding set: the next exec of this thread, and all that comes of it, is
 * without them for good. Needs CAP_SETPCAP.
 */
export function dropFromBoundingSet(dropped: Iterable<string>): void {
  for (const name of dropped) {
    const known = names.indexOf(name)
    const number = known < 0 ? Number(name.replace('CAP_', '')) : known
    check(prctl(PR_CAPBSET_DROP, number, 0, 0, 0), 'prctl', name)
  }
}

/** No exec of this thread, and of the threads that it starts from now on, gives rights that it does not have. */
export function setNoNewPrivileges(): void {
  check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 'prctl', 'no_new_privs')
}

/** No core dump of this process, and no debugger but one that may do everything. An exec sets it back. */
export function setUndumpable(): void {
  check(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), 'prctl', 'dumpable')
}
