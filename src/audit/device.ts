import type { Severity } from '../protocol/findings.ts'

interface Danger {
  readonly severity: Severity
  readonly gives: string
  /** Whether it alone leads to root on the host. */
  readonly root: boolean
}

const DISK =
  /^\/dev\/((sd|hd|vd|xvd)[a-z]+\d*|nvme\d+n\d+(p\d+)?|mmcblk\d+(p\d+)?|md\d+|dm-\d+|mapper\/.+|disk\/.+|root|loop\d+|zd\d+|bcache\d+)$/

const DANGERS: readonly (readonly [pattern: RegExp, danger: Danger])[] = [
  [
    DISK,
    { severity: 'critical', root: true, gives: 'a disk: its files can be read and changed beneath the host' },
  ],
  [/^\/dev\/(mem|kmem|port|kcore)$/, { severity: 'critical', root: true, gives: "the machine's memory" }],
  [/^\/dev\/?$/, { severity: 'critical', root: true, gives: 'every device there is' }],
  [
    /^\/dev\/(sg\d+|bsg\/.+|watchdog\d*|kmsg|uinput|input\/.+)$/,
    { severity: 'high', root: false, gives: 'a device that only the host should drive' },
  ],
  [
    /^\/dev\/(kvm|vhost-.+|vfio\/.+)$/,
    { severity: 'medium', root: false, gives: 'virtual machines in the kernel' },
  ],
]

/** What a device is worth to an intruder; null for harmless ones. */
export function dangerousDevice(path: string): Danger | null {
  if (
    /^\/dev\/(null|zero|full|random|urandom|fuse|net\/tun|snd(\/.*)?|dri(\/.*)?|nvidia.*|ttyUSB\d+|ttyACM\d+|video\d+)$/.test(
      path,
    )
  )
    return null
  return (
    DANGERS.find(([pattern]) => pattern.test(path))?.[1] ?? {
      severity: 'low',
      root: false,
      gives: 'a device of the host',
    }
  )
}
