import fs from 'node:fs'
import fc from 'fast-check'
import { exchange, mknod, removeXattr, setXattr } from './kernel-calls.ts'

/** What an intruder, a service or a package manager may do to a path of a container. */
export type Operation =
  | { readonly op: 'write' | 'append' | 'sneakEdit'; readonly path: string; readonly content: string }
  | { readonly op: 'truncate'; readonly path: string; readonly length: number }
  | { readonly op: 'chmod'; readonly path: string; readonly mode: number }
  | { readonly op: 'chown'; readonly path: string; readonly uid: number; readonly gid: number }
  | { readonly op: 'utimes'; readonly path: string; readonly seconds: number }
  | { readonly op: 'setXattr'; readonly path: string; readonly name: string; readonly value: string }
  | { readonly op: 'rename' | 'exchange' | 'link'; readonly path: string; readonly to: string }
  | { readonly op: 'symlink'; readonly path: string; readonly target: string }
  | { readonly op: 'mknod'; readonly path: string; readonly mode: number; readonly device: number }
  | { readonly op: PlainOperation; readonly path: string }

type PlainOperation =
  | 'rewriteSame'
  | 'openForWriting'
  | 'copyOver'
  | 'removeXattrs'
  | 'mkdir'
  | 'rmdir'
  | 'removeTree'
  | 'unlink'
  | 'recreateDirectory'
  | 'replaceByFile'
  | 'replaceByDirectory'

// Few names, so that operations meet; one is not UTF-8 and one holds a newline.
const name = fc.constantFrom('a', 'b', 'c', '\xff\xfe', 'd\ne')
const path = fc.array(name, { minLength: 1, maxLength: 3, size: 'max' }).map((names) => names.join('/'))
const content = fc.constantFrom('', 'x', 'y', 'xy', 'some longer content', 'SOME LONGER CONTENT')

// Version 2 capability sets (linux/capability.h): cap_net_raw, cap_sys_admin.
const capability = ['0100000200200000000000000000000000000000', '0100000200002000000000000000000000000000']
// Version 2 access ACLs: user::rw-, user:1000:r--, group::r--, mask::r--, other::r--; the same with user 1001.
const acl = ['e8030000', 'e9030000'].map(
  (user) => `0200000001000600ffffffff02000400${user}04000400ffffffff10000400ffffffff20000400ffffffff`,
)
const xattr = fc.oneof(
  fc.record({
    name: fc.constantFrom('user.x', 'user.y', 'trusted.z'),
    value: fc.constantFrom('', '00', '01'),
  }),
  fc.record({ name: fc.constant('trusted.overlay.opaque'), value: fc.constant('79') }),
  fc.record({ name: fc.constant('security.capability'), value: fc.constantFrom(...capability) }),
  fc.record({ name: fc.constant('system.posix_acl_access'), value: fc.constantFrom(...acl) }),
)

export const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ op: fc.constantFrom('write', 'append', 'sneakEdit'), path, content }) },
  {
    weight: 12,
    arbitrary: fc.record({
      op: fc.constantFrom<PlainOperation[]>(
        'rewriteSame',
        'openForWriting',
        'copyOver',
        'removeXattrs',
        'mkdir',
        'mkdir',
        'mkdir',
        'rmdir',
        'removeTree',
        'unlink',
        'recreateDirectory',
        'replaceByFile',
        'replaceByDirectory',
      ),
      path,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('truncate'), path, length: fc.constantFrom(0, 1, 19, 5000) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('chmod'),
      path,
      mode: fc.constantFrom(0o600, 0o644, 0o755, 0o4755),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('chown'),
      path,
      uid: fc.constantFrom(0, 33),
      gid: fc.constantFrom(0, 33),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('utimes'), path, seconds: fc.constantFrom(0, 1e9) }) },
  {
    weight: 2,
    arbitrary: fc.tuple(path, xattr).map(([on, set]) => ({ op: 'setXattr' as const, path: on, ...set })),
  },
  {
    weight: 5,
    arbitrary: fc.record({ op: fc.constantFrom('rename', 'rename', 'exchange', 'link'), path, to: path }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('symlink'),
      path,
      target: fc.constantFrom('a', 'b/c', '/nonexistent/paddock'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('mknod'),
      path,
      mode: fc.constantFrom(0o020600, 0o060600, 0o010600, 0o140600),
      device: fc.constantFrom(0x103, 0x105),
    }),
  },
)

/** Does it in a tree; what cannot be done there (no such file, not empty) is left. */
export function perform(root: string, operation: Operation): void {
  try {
    act(operation, (path) => Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, 'latin1')]))
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error
  }
}

function act(operation: Operation, at: (path: string) => Buffer): void {
  const path = at(operation.path)
  switch (operation.op) {
    case 'write':
      if (mayWrite(path)) fs.writeFileSync(path, operation.content)
      break
    case 'append':
      if (mayWrite(path)) fs.appendFileSync(path, operation.content)
      break
    case 'sneakEdit':
      sneakEdit(path, operation.content)
      break
    case 'truncate':
      if (isFile(path)) fs.truncateSync(path, operation.length)
      break
    case 'chmod':
      if (!fs.lstatSync(path).isSymbolicLink()) fs.chmodSync(path, operation.mode)
      break
    case 'chown':
      fs.lchownSync(path, operation.uid, operation.gid)
      break
    case 'utimes':
      fs.lutimesSync(path, operation.seconds, operation.seconds)
      break
    case 'setXattr':
      setXattr(path, operation.name, Buffer.from(operation.value, 'hex'))
      break
    case 'rename':
      fs.renameSync(path, at(operation.to))
      break
    case 'exchange':
      exchange(path, at(operation.to))
      break
    case 'link':
      fs.linkSync(path, at(operation.to))
      break
    case 'symlink':
      fs.symlinkSync(operation.target, path)
      break
    case 'mknod':
      mknod(path, operation.mode, operation.device)
      break
    default:
      actPlainly(operation.op, path)
  }
}

function actPlainly(op: PlainOperation, path: Buffer): void {
  switch (op) {
    case 'rewriteSame':
      if (isFile(path)) fs.writeFileSync(path, fs.readFileSync(path))
      break
    case 'openForWriting':
      if (isFile(path)) fs.closeSync(fs.openSync(path, 'r+'))
      break
    case 'copyOver': {
      const content = isFile(path) ? fs.readFileSync(path) : ''
      fs.unlinkSync(path)
      fs.writeFileSync(path, content)
      break
    }
    case 'removeXattrs':
      for (const name of ['user.x', 'security.capability', 'system.posix_acl_access']) {
        try {
          removeXattr(path, name)
        } catch {
          // It has none.
        }
      }
      break
    case 'mkdir':
      fs.mkdirSync(path)
      break
    case 'rmdir':
      fs.rmdirSync(path)
      break
    case 'removeTree':
      removeAll(path)
      break
    case 'unlink':
      fs.unlinkSync(path)
      break
    case 'recreateDirectory':
      removeAll(path)
      fs.mkdirSync(path)
      break
    case 'replaceByFile':
      removeAll(path)
      fs.writeFileSync(path, 'was something else')
      break
    case 'replaceByDirectory':
      removeAll(path)
      fs.mkdirSync(path)
      fs.writeFileSync(Buffer.concat([path, Buffer.from('/a')]), 'inside')
      break
  }
}

/** Same size, other content, time set back: what a comparison of stat fields cannot see. */
function sneakEdit(path: Buffer, content: string): void {
  if (!isFile(path)) return
  const { atime, mtime, size } = fs.statSync(path)
  fs.writeFileSync(path, content.padEnd(size, '!').slice(0, size))
  fs.utimesSync(path, atime, mtime)
}

/** Never through a link, which may lead out of the tree, nor into a FIFO, which would block. */
function mayWrite(path: Buffer): boolean {
  return fs.lstatSync(path, { throwIfNoEntry: false })?.isFile() ?? true
}

function isFile(path: Buffer): boolean {
  return fs.lstatSync(path).isFile()
}

/** By hand: `rmSync` takes names as text. */
function removeAll(path: Buffer): void {
  if (!fs.lstatSync(path).isDirectory()) {
    fs.unlinkSync(path)
    return
  }
  for (const name of fs.readdirSync(path, { encoding: 'buffer' })) {
    removeAll(Buffer.concat([path, Buffer.from('/'), name]))
  }
  fs.rmdirSync(path)
}
