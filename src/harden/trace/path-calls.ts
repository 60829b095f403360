/** Where a system call takes paths: arguments by index, each with the descriptor it is relative to. */
export interface PathCall {
  readonly paths: readonly { readonly path: number; readonly folder: number | null }[]
  /** Whether what it names is made by it: then only the folder must be there. */
  readonly makes: boolean
  /** Whether later paths of the process begin there. */
  readonly setsRoot?: true
}

const plain = (path = 0): PathCall => ({ paths: [{ path, folder: null }], makes: false })
const at = (path = 1, folder = 0): PathCall => ({ paths: [{ path, folder }], makes: false })
const making = (call: PathCall): PathCall => ({ ...call, makes: true })
const two = (a: readonly [number, number | null], b: readonly [number, number | null]): PathCall => ({
  paths: [a, b].map(([path, folder]) => ({ path, folder })),
  makes: true,
})

/** Since every architecture got the same numbers (arch/…/syscalls, 2019). */
const COMMON: Readonly<Record<number, PathCall>> = { 437: at(), 439: at() } // openat2 faccessat2

/** arch/x86/entry/syscalls/syscall_64.tbl */
const X64: Readonly<Record<number, PathCall>> = {
  2: plain(), // open
  4: plain(), // stat
  6: plain(), // lstat
  21: plain(), // access
  59: plain(), // execve
  76: plain(), // truncate
  80: plain(), // chdir
  82: two([0, null], [1, null]), // rename
  83: making(plain()), // mkdir
  84: plain(), // rmdir
  85: making(plain()), // creat
  86: two([0, null], [1, null]), // link
  87: plain(), // unlink
  88: making(plain(1)), // symlink
  89: plain(), // readlink
  90: plain(), // chmod
  92: plain(), // chown
  94: plain(), // lchown
  132: plain(), // utime
  133: making(plain()), // mknod
  137: plain(), // statfs
  161: { ...plain(), setsRoot: true }, // chroot
  188: plain(), // setxattr
  191: plain(), // getxattr
  192: plain(), // lgetxattr
  194: plain(), // listxattr
  195: plain(), // llistxattr
  235: plain(), // utimes
  254: plain(1), // inotify_add_watch
  257: at(), // openat
  258: making(at()), // mkdirat
  259: making(at()), // mknodat
  260: at(), // fchownat
  261: at(), // futimesat
  262: at(), // newfstatat
  263: at(), // unlinkat
  264: two([1, 0], [3, 2]), // renameat
  265: two([1, 0], [3, 2]), // linkat
  266: making(at(2, 1)), // symlinkat
  267: at(), // readlinkat
  268: at(), // fchmodat
  269: at(), // faccessat
  280: at(), // utimensat
  316: two([1, 0], [3, 2]), // renameat2
  322: at(), // execveat
  332: at(), // statx
}

/** include/uapi/asm-generic/unistd.h */
const ARM64: Readonly<Record<number, PathCall>> = {
  8: plain(), // getxattr
  9: plain(), // lgetxattr
  11: plain(), // listxattr
  27: plain(1), // inotify_add_watch
  33: making(at()), // mknodat
  34: making(at()), // mkdirat
  35: at(), // unlinkat
  36: making(at(2, 1)), // symlinkat
  37: two([1, 0], [3, 2]), // linkat
  38: two([1, 0], [3, 2]), // renameat
  43: plain(), // statfs
  45: plain(), // truncate
  48: at(), // faccessat
  49: plain(), // chdir
  51: { ...plain(), setsRoot: true }, // chroot
  53: at(), // fchmodat
  54: at(), // fchownat
  56: at(), // openat
  78: at(), // readlinkat
  79: at(), // newfstatat
  88: at(), // utimensat
  221: plain(), // execve
  276: two([1, 0], [3, 2]), // renameat2
  281: at(), // execveat
  291: at(), // statx
}

export const PATH_CALLS: Readonly<Record<number, PathCall>> = {
  ...COMMON,
  ...(process.arch === 'arm64' ? ARM64 : X64),
}
