import type { Container, EngineInfo, Image, ImageStep, Network } from '../engine/reader.ts'
import type { SudoRule } from './gather/sudoers.ts'

/** A part of the facts, or why it could not be read: one collector's failure never hides another's. */
export type Gathered<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string }

/** Everything the checks judge. Read once; from here on nothing looks at the host again. */
export interface Facts {
  readonly at: Date
  readonly hostName: string
  /** The tree the files were read from: "/" or what `--root` named. */
  readonly root: string
  readonly people: Gathered<People>
  readonly sudo: Gathered<Sudo>
  readonly profiles: Gathered<readonly ClientSetting[]>
  readonly clientKeys: Gathered<readonly FileFact[]>
  readonly rootless: Gathered<readonly RootlessDaemon[]>
  readonly sockets: Gathered<readonly EngineSocket[]>
  readonly daemon: Gathered<Daemon>
  readonly files: Gathered<readonly DaemonFile[]>
  readonly auditRules: Gathered<AuditRules>
  readonly kernel: Gathered<Kernel>
  readonly storage: Gathered<Storage>
  readonly engine: Gathered<EngineInfo>
  readonly networks: Gathered<readonly Network[]>
  readonly containers: Gathered<readonly ContainerFact[]>
  readonly images: Gathered<readonly ImageFact[]>
  /** How many images the engine keeps, used or not. */
  readonly imageCount: Gathered<number>
}

export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
  readonly shell: string
  /** Ids of all groups: primary, supplementary, nested and remote ones as the name service answers. */
  readonly groups: readonly number[]
}

export interface Group {
  readonly name: string
  readonly gid: number
  /** As the group itself lists them; `Account.groups` is the whole truth. */
  readonly members: readonly string[]
}

export interface People {
  readonly accounts: readonly Account[]
  readonly groups: readonly Group[]
  /** What the answer may lack, "the remote accounts of ldap"; empty when it is whole. */
  readonly lacks: string
  /** Users whose running processes still hold a group that their account no longer has. */
  readonly lingering: readonly {
    readonly uid: number
    readonly gid: number
    readonly pids: readonly number[]
  }[]
}

export interface Sudo {
  readonly rules: readonly SudoRule[]
  /** Files that are named but could not be read. */
  readonly unreadable: readonly string[]
}

/** A variable of the engine's client, set for people at login. */
export interface ClientSetting {
  readonly file: string
  readonly line: number
  readonly variable: string
  /** Without user names, passwords and tokens. */
  readonly value: string
  /** Whose profile; null for everyone's. */
  readonly user: string | null
}

export interface FileFact {
  readonly path: string
  /** Permission bits with setuid, setgid and sticky: 0o7777. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly type: 'file' | 'directory' | 'socket' | 'other'
  /** Its POSIX access list; the group bits of the mode are then the mask. Null where it has none. */
  readonly acl: readonly AccessEntry[] | null
  /** The folders above it, the root first: who may write there may replace it. */
  readonly parents: readonly ParentFolder[]
}

export interface ParentFolder {
  readonly path: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly acl: readonly AccessEntry[] | null
}

/** An entry of an access list that says more than the mode. */
export interface AccessEntry {
  readonly tag: 'user' | 'owning group' | 'group' | 'mask'
  /** Read 4, write 2, execute 1. */
  readonly bits: number
  /** Of the named user or group. */
  readonly id: number
}

/** A file that decides what the engine does, with what the benchmark asks of it. */
export interface DaemonFile extends FileFact {
  readonly role: string
  readonly cisOwner: string | null
  readonly cisMode: string | null
  /** Bits that may be set at most. */
  readonly maxMode: number
  readonly owner: string
  /** Group names that may own it. */
  readonly ownerGroups: readonly string[]
}

export interface RootlessDaemon {
  readonly user: string
  readonly uid: number
  readonly engine: 'docker' | 'podman'
  readonly evidence: string
}

export type SocketKind = 'docker' | 'podman' | 'containerd' | 'buildkit' | 'crio'

/** A Unix socket through which the one who connects commands an engine. */
export interface EngineSocket extends FileFact {
  readonly kind: SocketKind
  /** Without symbolic links. `path` is how it is usually named. */
  readonly realPath: string
  readonly device: bigint
  readonly inode: bigint
  /** Device and inode of each folder above it: a mount of any of them holds the socket. */
  readonly folderIdentities: readonly {
    readonly path: string
    readonly device: bigint
    readonly inode: bigint
  }[]
  /** Where it lies in its own filesystem, as /proc/<pid>/mountinfo names it; null where unknown. */
  readonly place: Place | null
  /** Whether an engine listens on it now. */
  readonly listening: boolean
  /** Whom its engine runs as. */
  readonly engineUid: number
}

/** A place inside one filesystem: its device as mountinfo writes it, "254:0", and the path from that filesystem's root. */
export interface Place {
  readonly device: string
  readonly path: string
}

export type SettingSource = 'command line' | 'daemon.json' | 'systemd socket' | 'process'

export interface Listener {
  /** "unix:///run/docker.sock", "tcp://0.0.0.0:2375", "fd://". */
  readonly address: string
  readonly from: SettingSource
}

export interface Daemon {
  readonly engine: 'docker' | 'podman'
  /** Process id, or 0 when no running process was found and only files speak. */
  readonly pid: number
  readonly uid: number
  readonly argv: readonly string[]
  readonly configFile: string
  /** Parsed daemon.json; empty when there is none. */
  readonly config: Readonly<Record<string, unknown>>
  /** Why daemon.json could not be used; null when it is well or absent. */
  readonly configProblem: string | null
  readonly listeners: readonly Listener[]
  /** Setting by its daemon.json name, whichever place it came from. */
  readonly settings: ReadonlyMap<string, { readonly value: unknown; readonly from: SettingSource }>
}

export interface AuditRules {
  /** Paths that a rule watches. */
  readonly watched: readonly string[]
  /** Paths of this host that the engine is made of, and the benchmark's number for each. */
  readonly wanted: readonly { readonly path: string; readonly cis: string }[]
}

export interface Kernel {
  readonly appArmor: boolean
  readonly selinux: 'enforcing' | 'permissive' | 'off'
  readonly seccomp: boolean
  readonly release: string
}

export interface Storage {
  readonly dataRoot: string
  /** Whether a filesystem of its own is mounted at the data root or just above it. */
  readonly ownFilesystem: boolean
  readonly mountPoint: string
}

/** What /proc says of a running container's init process. */
export interface RunningFact {
  /** As the host sees them. */
  readonly uid: number
  readonly gid: number
  readonly groups: readonly number[]
  /** Host uid of the container's root; 0 without a user namespace. */
  readonly rootUid: number
  /** Whether its user namespace is not the host's. */
  readonly remapped: boolean
  /** Effective and bounding capabilities, as bits. */
  readonly effective: bigint
  readonly bounding: bigint
  readonly noNewPrivileges: boolean
  /** 0 off, 1 strict, 2 filter. */
  readonly seccomp: number
  /** "docker-default (enforce)"; empty where the kernel has none. */
  readonly confinement: string
  /** Inode of each namespace, by name. */
  readonly namespaces: Readonly<Record<string, string>>
  readonly mounts: readonly MountedFact[]
  /** Command names of the processes in it, at most 200. */
  readonly processes: readonly string[]
}

export interface MountedFact {
  readonly target: string
  readonly place: Place
  readonly filesystem: string
  readonly writable: boolean
}

export interface ContainerFact extends Container {
  /** Null when it does not run, or its /proc could not be read. */
  readonly running: RunningFact | null
  /** Host places its mounts give it, decided from identity, not from names. */
  readonly reaches: readonly Reach[]
}

/** What of the host a container's mount holds. */
export interface Reach {
  readonly what:
    'socket' | 'root' | 'system' | 'proc' | 'sys' | 'dev' | 'data-root' | 'programs' | 'homes' | 'runtime'
  /** The host path that is held. */
  readonly path: string
  /** The mount that holds it: host side and container side. */
  readonly source: string
  readonly target: string
  readonly writable: boolean
}

export interface ImageFact extends Image {
  /** Names of the containers made from it. */
  readonly usedBy: readonly string[]
  readonly history: readonly ImageStep[]
  /** Setuid and setgid programs, seen in a running container made from it; null when none runs. */
  readonly setuid: { readonly paths: readonly string[]; readonly complete: boolean } | null
}
