import type { Severity } from '../protocol/findings.ts'

interface Capability {
  /** Bit in the kernel's masks, include/uapi/linux/capability.h. */
  readonly bit: number
  readonly severity: Severity
  /** What it is good for to someone who wants out. */
  readonly gives: string
  /** Whether it alone leads to root on the host, without a user namespace. */
  readonly root: boolean
}

/** Capabilities beyond the engines' default set, and what each is worth to an intruder. */
export const CAPABILITIES: Readonly<Record<string, Capability>> = {
  DAC_READ_SEARCH: {
    bit: 2,
    severity: 'critical',
    root: true,
    gives: 'opens any file of the host by its handle',
  },
  LINUX_IMMUTABLE: { bit: 9, severity: 'medium', root: false, gives: 'makes files unchangeable' },
  NET_BROADCAST: { bit: 11, severity: 'low', root: false, gives: 'sends broadcasts' },
  NET_ADMIN: {
    bit: 12,
    severity: 'medium',
    root: false,
    gives: 'changes addresses, routes and firewall of its network',
  },
  IPC_LOCK: { bit: 14, severity: 'low', root: false, gives: 'locks memory' },
  IPC_OWNER: { bit: 15, severity: 'medium', root: false, gives: 'opens any shared memory it can see' },
  SYS_MODULE: { bit: 16, severity: 'critical', root: true, gives: 'loads a module into the kernel' },
  SYS_RAWIO: {
    bit: 17,
    severity: 'critical',
    root: true,
    gives: 'reads and writes memory and ports of the machine',
  },
  SYS_PTRACE: {
    bit: 19,
    severity: 'high',
    root: false,
    gives: 'looks into and changes every process it can see',
  },
  SYS_PACCT: { bit: 20, severity: 'low', root: false, gives: 'switches process accounting' },
  SYS_ADMIN: {
    bit: 21,
    severity: 'critical',
    root: true,
    gives: 'mounts filesystems and much else that root does',
  },
  SYS_BOOT: { bit: 22, severity: 'high', root: false, gives: 'restarts the machine' },
  SYS_NICE: { bit: 23, severity: 'low', root: false, gives: 'takes processor time from others' },
  SYS_RESOURCE: { bit: 24, severity: 'medium', root: false, gives: 'exceeds limits' },
  SYS_TIME: { bit: 25, severity: 'medium', root: false, gives: 'sets the clock' },
  SYS_TTY_CONFIG: { bit: 26, severity: 'low', root: false, gives: 'hangs up terminals' },
  LEASE: { bit: 28, severity: 'low', root: false, gives: 'takes leases on files' },
  AUDIT_CONTROL: { bit: 30, severity: 'high', root: false, gives: 'switches the audit log off' },
  MAC_OVERRIDE: { bit: 32, severity: 'high', root: false, gives: 'passes by the security module' },
  MAC_ADMIN: { bit: 33, severity: 'high', root: false, gives: 'changes the rules of the security module' },
  SYSLOG: { bit: 34, severity: 'medium', root: false, gives: 'reads the kernel log with its addresses' },
  WAKE_ALARM: { bit: 35, severity: 'low', root: false, gives: 'wakes the machine' },
  BLOCK_SUSPEND: { bit: 36, severity: 'low', root: false, gives: 'keeps the machine awake' },
  AUDIT_READ: { bit: 37, severity: 'medium', root: false, gives: 'reads the audit log' },
  PERFMON: { bit: 38, severity: 'high', root: false, gives: 'measures every process and the kernel' },
  BPF: { bit: 39, severity: 'critical', root: true, gives: 'runs programs inside the kernel' },
  CHECKPOINT_RESTORE: {
    bit: 40,
    severity: 'high',
    root: false,
    gives: 'restores processes with ids of its choice',
  },
}

/** Names of the dangerous capabilities in a kernel mask. */
export function capabilitiesIn(mask: bigint): string[] {
  return Object.entries(CAPABILITIES).flatMap(([name, { bit }]) =>
    ((mask >> BigInt(bit)) & 1n) === 1n ? [name] : [],
  )
}

/** Names of the dangerous capabilities among `--cap-add` words; "ALL" is every one. */
export function capabilitiesAdded(words: readonly string[]): string[] {
  const names = words.map((word) => word.toUpperCase().replace(/^CAP_/, ''))
  return names.includes('ALL')
    ? Object.keys(CAPABILITIES)
    : Object.keys(CAPABILITIES).filter((name) => names.includes(name))
}
