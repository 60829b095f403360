import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  chownSync,
  closeSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setXattrFd } from '../../src/lib/libc/write-files.ts'

function setXattr(path: string, name: string, value: string): void {
  const fd = openSync(path, 'r')
  assert.equal(setXattrFd(fd, name, Buffer.from(value, 'latin1')), 0)
  closeSync(fd)
}

// VFS_CAP_REVISION_2, cap_net_raw permitted and effective.
export const CAPABILITY = '\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0'

/** A little of everything that an image may hold. */
export function baseline(root: string): void {
  for (const folder of ['etc', 'bin', 'var', 'var/log', 'dev']) mkdirSync(join(root, folder))
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\n')
  writeFileSync(join(root, 'etc/shadow'), 'root:*:::::::\n', { mode: 0o640 })
  chownSync(join(root, 'etc/shadow'), 0, 42)
  writeFileSync(join(root, 'etc/hosts'), '127.0.0.1 localhost\n')
  writeFileSync(join(root, 'bin/ping'), 'ELF')
  chmodSync(join(root, 'bin/ping'), 0o755)
  setXattr(join(root, 'bin/ping'), 'security.capability', CAPABILITY)
  setXattr(join(root, 'bin/ping'), 'user.note', 'of the image')
  writeFileSync(join(root, 'bin/su'), 'ELF su')
  chmodSync(join(root, 'bin/su'), 0o4755)
  linkSync(join(root, 'bin/su'), join(root, 'bin/sudo'))
  writeFileSync(join(root, 'bin/sh'), 'ELF sh', { mode: 0o755 })
  symlinkSync('sh', join(root, 'bin/ash'))
  writeFileSync(join(root, 'var/log/sparse'), 'begin')
  truncateSync(join(root, 'var/log/sparse'), 2 ** 36)
  appendFileSync(join(root, 'var/log/sparse'), 'end')
  execFileSync('mkfifo', ['-m', '622', join(root, 'var/log/pipe')])
  execFileSync('mknod', ['-m', '666', join(root, 'dev/null'), 'c', '1', '3'])
  const all = execFileSync('find', [root, '-not', '-type', 'd', '-print0'])
    .toString()
    .split('\0')
    .filter(Boolean)
  all.forEach((path, index) => {
    lutimesSync(path, 1_600_000_000 + index, 1_600_000_000.123 + index)
  })
}

/** What an intruder may do to it; each alone can be taken back. */
export const attack: readonly (readonly [string, (root: string) => void])[] = [
  ['content', (root) => appendFileSync(join(root, 'etc/passwd'), 'toor:x:0:0::/:/bin/sh\n')],
  [
    'owner and mode',
    (root) => {
      chownSync(join(root, 'etc/shadow'), 33, 33)
      chmodSync(join(root, 'etc/shadow'), 0o666)
    },
  ],
  [
    'same size, time set back',
    (root) => {
      const { atime, mtime } = statSync(join(root, 'bin/sh'))
      writeFileSync(join(root, 'bin/sh'), 'EVIL!!')
      utimesSync(join(root, 'bin/sh'), atime, mtime)
    },
  ],
  ['a deleted setuid program that is a hard link', (root) => unlinkSync(join(root, 'bin/su'))],
  [
    'capability and xattrs',
    (root) => {
      setXattr(join(root, 'bin/ping'), 'user.note', 'mine')
      setXattr(join(root, 'bin/ping'), 'user.other', 'new')
      chownSync(join(root, 'bin/ping'), 1, 1)
    },
  ],
  [
    'a link that leads to the host',
    (root) => {
      unlinkSync(join(root, 'bin/ash'))
      symlinkSync('/etc/passwd', join(root, 'bin/ash'))
    },
  ],
  [
    'a FIFO where a file was',
    (root) => {
      unlinkSync(join(root, 'etc/hosts'))
      execFileSync('mkfifo', [join(root, 'etc/hosts')])
    },
  ],
  [
    'a FIFO and a device deleted, a sparse file cut',
    (root) => {
      unlinkSync(join(root, 'var/log/pipe'))
      unlinkSync(join(root, 'dev/null'))
      truncateSync(join(root, 'var/log/sparse'), 0)
    },
  ],
  [
    'a folder where a file was, with things in it',
    (root) => {
      unlinkSync(join(root, 'bin/sudo'))
      mkdirSync(join(root, 'bin/sudo/deep/er'), { recursive: true })
      writeFileSync(join(root, 'bin/sudo/deep/x'), 'x')
      symlinkSync('/', join(root, 'bin/sudo/deep/root'))
    },
  ],
  [
    'folder metadata',
    (root) => {
      chmodSync(join(root, 'var/log'), 0o777)
      chownSync(join(root, 'var/log'), 5, 5)
      setXattr(join(root, 'var/log'), 'user.x', 'y')
    },
  ],
  [
    'added files and folders, hidden, deep, odd names',
    (root) => {
      mkdirSync(join(root, 'tmp/.x'), { recursive: true })
      for (let depth = 0, path = join(root, 'tmp'); depth < 40; depth++) {
        path = join(path, `d${depth}`)
        mkdirSync(path)
        writeFileSync(join(path, 'f\n\x1b[2J'), '')
      }
      writeFileSync(Buffer.concat([Buffer.from(join(root, 'tmp/')), Buffer.from([0xff, 0xfe])]), 'x')
      linkSync(join(root, 'etc/passwd'), join(root, 'tmp/passwd'))
    },
  ],
]
