import { execFileSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { suiteDir } from '../engine/packages.ts'
import type { Kernel } from './kernel-package.ts'

const project = join(import.meta.dirname, '../..')
const busybox = join(suiteDir('bookworm'), 'bin/busybox')

/** What the guest runs as its first program: the disk's filesystems, the program, and off. */
const init = `#!/bin/sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/shm && mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /run
cd /paddock
node test/kernels/guest.ts
echo "@paddock ended"
poweroff -f
`

/** Loads what the disk needs: each pass loads the modules whose needs are loaded. */
const early = `#!/busybox sh
/busybox mount -t devtmpfs dev /dev
for pass in 1 2 3 4 5 6; do for module in /modules/*.ko; do /busybox insmod $module 2>/dev/null; done; done
/busybox mount -t ext4 /dev/vda /disk && exec /busybox switch_root /disk /init
echo "@paddock no disk"
/busybox poweroff -f
`

const MODULES =
  /\/(overlay|virtio|virtio_ring|virtio_pci|virtio_pci_(modern|legacy)_dev|virtio_blk|ext4|jbd2|mbcache|crc16|crc32c_generic|libcrc32c)\.ko(\.xz)?$/

/** An ext4 disk with busybox, Node and this checkout; the same for every kernel. */
export function makeDisk(folder: string): string {
  const root = mkdtempSync(join(folder, 'root-'))
  for (const name of ['bin', 'proc', 'sys', 'dev', 'tmp', 'run', 'etc', 'var/tmp', 'paddock/node_modules'])
    mkdirSync(join(root, name), { recursive: true })
  cpSync(busybox, join(root, 'bin/busybox'))
  symlinkSync('busybox', join(root, 'bin/sh'))
  writeFileSync(join(root, 'init'), init, { mode: 0o755 })
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/:/bin/sh\n')
  copyProgram(process.execPath, join(root, 'bin/node'), root)
  for (const name of ['src', 'test', 'package.json'])
    cpSync(join(project, name), join(root, 'paddock', name), { recursive: true })
  for (const name of ['koffi', '@koromix', 'yaml', 'picomatch'])
    cpSync(join(project, 'node_modules', name), join(root, 'paddock/node_modules', name), { recursive: true })
  const disk = join(folder, 'disk.img')
  execFileSync('truncate', ['--size', '2G', disk])
  execFileSync('/usr/sbin/mke2fs', [
    '-q',
    '-t',
    'ext4',
    '-O',
    '^orphan_file,^metadata_csum_seed',
    '-d',
    root,
    disk,
  ])
  rmSync(root, { recursive: true })
  return disk
}

/** What the kernel unpacks into memory first: the modules without which it cannot read the disk. */
export function makeInitramfs(folder: string, { suite, modules }: Kernel): string {
  const root = mkdtempSync(join(folder, 'early-'))
  for (const name of ['dev', 'disk', 'modules']) mkdirSync(join(root, name))
  cpSync(busybox, join(root, 'busybox'))
  writeFileSync(join(root, 'init'), early, { mode: 0o755 })
  const files = execFileSync('find', [modules, '-name', '*.ko*'], { encoding: 'utf8' }).split('\n')
  for (const file of files.filter((path) => MODULES.test(path))) {
    const copy = join(root, 'modules', basename(file))
    cpSync(file, copy)
    if (copy.endsWith('.xz')) execFileSync('xz', ['--decompress', copy])
  }
  const archive = join(folder, `${suite}.cpio`)
  execFileSync('sh', ['-c', 'find . | cpio --quiet -o -H newc > "$1"', 'sh', archive], { cwd: root })
  rmSync(root, { recursive: true })
  return archive
}

/** With the shared libraries that it names, at the same paths. */
function copyProgram(program: string, to: string, root: string): void {
  cpSync(program, to)
  const libraries = execFileSync('ldd', [program], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g)
  for (const [, library = ''] of libraries) {
    mkdirSync(join(root, dirname(library)), { recursive: true })
    copyFileSync(library, join(root, library))
  }
}
