import type { Change } from '../cow/change.ts'
import type { BytePath } from '../lib/byte-path.ts'
import type { Severity } from './policy.ts'

/** What may be known of a file beside the change itself. */
export interface Content {
  /** The first bytes, at least four where the file has them. */
  readonly head?: Uint8Array
  /** Where a symbolic link points to. */
  readonly linkTarget?: BytePath
}

/** Why a change matters. */
export interface Reason {
  /** Stable: stands in JSON and in alerts. */
  readonly id: string
  readonly severity: Severity
  /** MITRE ATT&CK for Linux and containers: https://attack.mitre.org/techniques/<id>/. */
  readonly technique: string
  /** Completes "it …". */
  readonly text: string
}

export interface KindReason extends Reason {
  applies(change: Change, content: Content): boolean
}

/** What a change is, wherever it lies. Where things lie is told in reasons-by-path.ts. */
export const reasonsByKind: readonly KindReason[] = [
  {
    id: 'executable',
    severity: 'critical',
    technique: 'T1105',
    text: 'is a program that is not in the image',
    applies: (change, content) =>
      (change.kind === 'added' || (change.kind === 'replaced' && !wasProgram(change))) &&
      isProgram(change, content),
  },
  {
    id: 'program-changed',
    severity: 'critical',
    technique: 'T1554',
    text: 'is a program of the image with other content',
    applies: (change, content) =>
      (change.kind === 'modified' && (isProgram(change, content) || wasProgram(change))) ||
      (change.kind === 'replaced' && wasProgram(change)),
  },
  {
    id: 'made-executable',
    severity: 'critical',
    technique: 'T1222.002',
    text: 'was made executable',
    applies: ({ kind, now, was }) =>
      kind === 'metadata' &&
      isFile(now) &&
      was !== null &&
      gained(was.mode, now.mode, 0o111) &&
      (was.mode & 0o111) === 0,
  },
  {
    id: 'program-deleted',
    severity: 'high',
    technique: 'T1562.001',
    text: 'is a program of the image, deleted',
    applies: (change) => change.kind === 'deleted' && wasProgram(change),
  },
  {
    id: 'setuid',
    severity: 'critical',
    technique: 'T1548.001',
    text: 'runs with the rights of its owner or group',
    applies: ({ kind, now, was }) =>
      isFile(now) &&
      (now.mode & 0o6000) !== 0 &&
      (kind !== 'metadata' ||
        was === null ||
        gained(was.mode, now.mode, 0o6000) ||
        was.uid !== now.uid ||
        was.gid !== now.gid),
  },
  {
    id: 'file-capability',
    severity: 'critical',
    technique: 'T1548',
    text: 'carries file capabilities',
    applies: (change) =>
      change.fileCapabilities &&
      (change.kind !== 'metadata' || change.xattrs.includes('security.capability')),
  },
  {
    id: 'world-writable-program',
    severity: 'high',
    technique: 'T1222.002',
    text: 'is a program that anybody can write',
    applies: (change, content) => isProgram(change, content) && ((change.now?.mode ?? 0) & 0o002) !== 0,
  },
  {
    id: 'device-node',
    severity: 'critical',
    technique: 'T1611',
    text: 'is a device node',
    applies: ({ kind, type }) =>
      kind !== 'deleted' && (type === 'block-device' || type === 'character-device'),
  },
  {
    id: 'fifo',
    severity: 'medium',
    technique: 'T1559',
    text: 'is a named pipe, as remote shells use',
    applies: ({ kind, type }) => kind !== 'deleted' && type === 'fifo',
  },
  {
    id: 'socket',
    severity: 'low',
    technique: 'T1559',
    text: 'is a socket',
    applies: ({ kind, type }) => kind !== 'deleted' && type === 'socket',
  },
  {
    id: 'link-to-host',
    severity: 'high',
    technique: 'T1611',
    text: "is a symbolic link towards the kernel's or the engine's files, or out of the container",
    applies: ({ path, kind }, { linkTarget }) =>
      kind !== 'deleted' && linkTarget !== undefined && leadsOut(path, linkTarget),
  },
  {
    id: 'deceptive-name',
    severity: 'high',
    technique: 'T1036',
    text: 'has a name made to be misread',
    applies: ({ kind, path }) => kind !== 'deleted' && isDeceptive(path),
  },
  {
    id: 'hidden-name',
    severity: 'medium',
    technique: 'T1564.001',
    text: 'is hidden by a dot',
    applies: ({ kind, path }) => (kind === 'added' || kind === 'replaced') && path.includes('/.'),
  },
  {
    id: 'time-set-back',
    severity: 'high',
    technique: 'T1070.006',
    text: 'changed though its time says that it did not',
    applies: ({ kind, type, now, was }) =>
      now !== null &&
      was !== null &&
      type === 'file' &&
      (kind === 'modified' ? now.mtimeNs <= was.mtimeNs : kind === 'metadata' && now.mtimeNs < was.mtimeNs),
  },
  {
    id: 'type-changed',
    severity: 'medium',
    technique: 'T1036',
    text: 'is another type of file than in the image',
    applies: ({ kind, now, was }) =>
      kind === 'replaced' && now !== null && was !== null && now.type !== was.type,
  },
  {
    id: 'folder-replaced',
    severity: 'high',
    technique: 'T1574',
    text: 'hides a whole folder of the image',
    applies: ({ kind, type, was }) =>
      kind === 'replaced' && (type === 'directory' || was?.type === 'directory'),
  },
  {
    id: 'image-file-changed',
    severity: 'medium',
    technique: 'T1565.001',
    text: 'is a file of the image with other content',
    applies: ({ kind, type }) => kind === 'modified' || (kind === 'replaced' && type !== 'directory'),
  },
  {
    id: 'image-file-deleted',
    severity: 'medium',
    technique: 'T1485',
    text: 'is in the image and was deleted',
    applies: ({ kind }) => kind === 'deleted',
  },
  {
    id: 'owner-changed',
    severity: 'medium',
    technique: 'T1222.002',
    text: 'has another owner than in the image',
    applies: ({ now, was }) => now !== null && was !== null && (now.uid !== was.uid || now.gid !== was.gid),
  },
  {
    id: 'permissions-loosened',
    severity: 'medium',
    technique: 'T1222.002',
    text: 'gives more rights than in the image',
    applies: ({ kind, type, now, was, xattrs }) =>
      (kind === 'metadata' || kind === 'modified') &&
      type !== 'symlink' &&
      ((now !== null && was !== null && gained(was.mode, now.mode, 0o7777)) ||
        xattrs.some((name) => name.startsWith('system.posix_acl_'))),
  },
]

function isFile(entry: Change['now']): entry is NonNullable<Change['now']> {
  return entry?.type === 'file'
}

function wasProgram({ was }: Change): boolean {
  return isFile(was) && (was.mode & 0o111) !== 0
}

function isProgram({ now }: Change, { head }: Content): boolean {
  if (!isFile(now)) return false
  return (now.mode & 0o111) !== 0 || (head !== undefined && hasProgramMagic(head))
}

/** ELF, or a script's `#!`: what the kernel would run, had it the right to. */
function hasProgramMagic(head: Uint8Array): boolean {
  return (
    (head[0] === 0x7f && head[1] === 0x45 && head[2] === 0x4c && head[3] === 0x46) ||
    (head[0] === 0x23 && head[1] === 0x21)
  )
}

function gained(before: number, after: number, bits: number): boolean {
  return (after & ~before & bits) !== 0
}

const HOST_PLACES =
  /^\/(?:proc|sys)(?:\/|$)|^\/dev\/(?:k?mem|port|sd|vd|xvd|nvme|dm-|mapper|loop|disk)|^(?:\/var)?\/run\/(?:docker|containerd|podman|crio|runc)|^\/var\/lib\/(?:docker|containers|containerd|kubelet)|^\/(?:host|rootfs|hostfs)(?:\/|$)/

function leadsOut(path: BytePath, target: BytePath): boolean {
  if (target.startsWith('/')) return HOST_PLACES.test(target)
  // One folder less than names in the path: "../.." from /a/b is the root, a third climbs on against it.
  let depth = path.split('/').length - 2
  for (const name of target.split('/')) {
    if (name === '..') depth--
    else if (name !== '' && name !== '.') depth++
    if (depth < 0) return true
  }
  return false
}

// As UTF-8 bytes: controls, marks that reorder or hide text, other spaces.
const MISLEADING =
  /[\0-\x1f\x7f]|\xc2[\x80-\xa0\xad]|\xd8\x9c|\xe2\x80[\x80-\x8f\xa8-\xaf]|\xe2\x81[\x9f-\xaf]|\xe3\x80\x80|\xe1\x9a\x80|\xe1\xa0\x8e|\xef\xbb\xbf|\xf3\xa0[\x80\x81]/

/** Of the last name only: each folder above is an entry of its own. */
function isDeceptive(path: BytePath): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1)
  if (/^\.[. ]*\.?$|^ | $|\.$/.test(name) && name !== '') return true
  if (!/[^\x20-\x7e]/.test(name)) return false
  return MISLEADING.test(name) || !isUtf8Bytes(name)
}

function isUtf8Bytes(name: string): boolean {
  return !Buffer.from(name, 'latin1').toString('utf8').includes('\ufffd') || name.includes('\xef\xbf\xbd')
}
