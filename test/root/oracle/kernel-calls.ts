import { closeSync } from 'node:fs'
import { allocate, check, declare } from '../../../src/lib/libc/library.ts'

/* What node:fs cannot do, by plain paths: the oracle shares nothing with the code it judges but the way to call. */

const mknodC = declare('mknod', 'int', ['address', 'uint', 'ulong'])
const mountC = declare('mount', 'int', ['address', 'address', 'address', 'ulong', 'address'])
const unshareC = declare('unshare', 'int', ['int'])
const umount2C = declare('umount2', 'int', ['address', 'int'])
const lsetxattrC = declare('lsetxattr', 'int', ['address', 'address', 'address', 'ulong', 'int'])
const lremovexattrC = declare('lremovexattr', 'int', ['address', 'address'])
const llistxattrC = declare('llistxattr', 'long', ['address', 'address', 'ulong'])
const lgetxattrC = declare('lgetxattr', 'long', ['address', 'address', 'address', 'ulong'])
const renameat2C = declare('renameat2', 'int', ['int', 'address', 'int', 'address', 'uint'])

const slots = allocate(6 * 65_536)
const AT_FDCWD = -100

function slot(index: number, bytes: Buffer | string): number {
  const at = index * 65_536
  const text = typeof bytes === 'string' ? Buffer.from(bytes) : bytes
  text.copy(slots.bytes, at)
  slots.bytes[at + text.length] = 0
  return slots.address + at
}

export function mknod(path: Buffer, mode: number, device = 0): void {
  check(mknodC(slot(0, path), mode, device), 'mknod', path.toString())
}

export function mountOverlay(target: string, options: string, flags = 0): void {
  const type = slot(0, 'overlay')
  check(mountC(type, slot(1, target), type, flags, slot(2, options)), 'mount', `${target}: ${options}`)
}

const CLONE_NEWNS = 0x20000
const MS_REC_PRIVATE = 0x44000

/**
 * Gives this thread mounts of its own. In the machine's, whoever starts an engine meanwhile would get a copy of ours
 * and keep the layers in use after they are unmounted here.
 */
export function enterOwnMounts(): void {
  check(unshareC(CLONE_NEWNS), 'unshare', 'mounts')
  check(mountC(slot(0, 'none'), slot(1, '/'), slot(2, ''), MS_REC_PRIVATE, slot(3, '')), 'mount', '/')
}

export function mountTmpfs(target: string): void {
  const type = slot(0, 'tmpfs')
  check(mountC(type, slot(1, target), type, 0, slot(2, 'size=512m')), 'mount', target)
}

export function unmount(target: string): void {
  check(umount2C(slot(0, target), 0), 'umount2', target)
}

/** @param flags 1 creates only, 2 replaces only */
export function setXattr(path: Buffer, name: string, value: Buffer, flags = 0): void {
  const answer = lsetxattrC(slot(0, path), slot(1, name), slot(2, value), value.length, flags)
  check(answer, 'lsetxattr', `${path.toString()} ${name}`)
}

export function removeXattr(path: Buffer, name: string): void {
  check(lremovexattrC(slot(0, path), slot(1, name)), 'lremovexattr', path.toString())
}

export function exchange(left: Buffer, right: Buffer): void {
  check(renameat2C(AT_FDCWD, slot(0, left), AT_FDCWD, slot(1, right), 2), 'renameat2', left.toString())
}

export function xattrs(path: Buffer): Map<string, string> {
  const length = check(llistxattrC(slot(0, path), slot(1, ''), 65_536), 'llistxattr', path.toString())
  const names = slots.bytes
    .toString('latin1', 65_536, 65_536 + length)
    .split('\0')
    .slice(0, -1)
  return new Map(
    names.map((name) => {
      const size = lgetxattrC(slot(0, path), slot(2, name), slot(3, ''), 65_536)
      check(size, 'lgetxattr', `${path.toString()} ${name}`)
      return [name, slots.bytes.toString('hex', 3 * 65_536, 3 * 65_536 + size)]
    }),
  )
}

const fsopenC = declare('fsopen', 'int', ['address', 'uint'])
const fsconfigC = declare('fsconfig', 'int', ['int', 'uint', 'address', 'address', 'int'])
const fsmountC = declare('fsmount', 'int', ['int', 'uint', 'uint'])
const moveMountC = declare('move_mount', 'int', ['int', 'address', 'int', 'address', 'uint'])
const FSCONFIG_SET_STRING = 1
const FSCONFIG_CMD_CREATE = 6
const MOVE_MOUNT_F_EMPTY_PATH = 4

/** Mounts an overlay option by option (kernel 6.8): more layers than fit into the one page of mount(2). */
export function mountOverlayByOptions(
  target: string,
  options: readonly (readonly [key: string, value: string])[],
): void {
  const context = check(fsopenC(slot(0, 'overlay'), 1), 'fsopen', 'overlay')
  for (const [key, value] of options) {
    const answer = fsconfigC(context, FSCONFIG_SET_STRING, slot(0, key), slot(1, value), 0)
    check(answer, 'fsconfig', `${key}=${value}`)
  }
  check(fsconfigC(context, FSCONFIG_CMD_CREATE, 0, 0, 0), 'fsconfig', 'create')
  const mount = check(fsmountC(context, 1, 0), 'fsmount', target)
  check(
    moveMountC(mount, slot(0, ''), AT_FDCWD, slot(1, target), MOVE_MOUNT_F_EMPTY_PATH),
    'move_mount',
    target,
  )
  closeSync(mount)
  closeSync(context)
}
