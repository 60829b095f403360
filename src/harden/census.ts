import { accountsOf } from './accounts.ts'
import { isElf } from './elf.ts'
import { pathOf, readContent, type TreeNode, walk } from './image-tree.ts'

/** What an image holds, counted; before and after. Lists are of paths, as text. */
export interface Census {
  /** Contents of files, each once however many names it has. */
  readonly sizeBytes: number
  readonly entries: number
  readonly files: number
  /** ELF files and scripts that may be executed. */
  readonly programs: number
  readonly setuid: number
  /** Files and folders, links left out. */
  readonly worldWritable: number
  /** Of these, regular files. */
  readonly worldWritableFiles: number
  readonly accounts: readonly string[]
  readonly loginShells: readonly string[]
  readonly shells: readonly string[]
  readonly packageManagers: readonly string[]
  readonly interpreters: readonly string[]
  readonly networkTools: readonly string[]
}

const KINDS = {
  shells: /^(ba|da|a|k|z|c|tc|fi)?sh$|^busybox(\.\w+)?$|^toybox$/,
  packageManagers:
    /^(apk|apt|apt-get|dpkg|rpm|yum|dnf\d?|microdnf|tdnf|zypper|pacman|opkg|pip\d?(\.\d+)?|npm|yarn|gem|cpan)$/,
  interpreters:
    /^(python[\d.]*|perl[\d.]*|ruby[\d.]*|node|nodejs|php[\d.]*|lua[\d.]*|awk|gawk|mawk|tclsh[\d.]*|java|deno|bun)$/,
  networkTools:
    /^(curl|wget|nc|nc\..*|ncat|netcat|socat|telnet|ftp|tftp|ssh|scp|sftp|rsync|dig|nslookup|host|ping6?|nmap|tcpdump|ip|ss|openssl|traceroute.*)$/,
} as const

type Kind = keyof typeof KINDS
const PROGRAM_PLACE = /\/s?bin\/[^/]+$/
const NOWHERE = /\/(nologin|false)$/

export function takeCensus(root: TreeNode): Census {
  const seen = new Set<number>()
  const lists: Record<Kind, string[]> = {
    shells: [],
    packageManagers: [],
    interpreters: [],
    networkTools: [],
  }
  const count = {
    sizeBytes: 0,
    entries: 0,
    files: 0,
    programs: 0,
    setuid: 0,
    worldWritable: 0,
    worldWritableFiles: 0,
  }
  for (const node of walk(root)) {
    const { inode } = node
    if (node.parent !== null) count.entries++
    if (inode.type !== 'symlink' && (inode.mode & 0o002) !== 0) count.worldWritable++
    if (inode.type === 'file' || inode.type === 'symlink') tellKinds(node, lists)
    if (inode.type !== 'file') continue
    count.files++
    if ((inode.mode & 0o002) !== 0) count.worldWritableFiles++
    if ((inode.mode & 0o6000) !== 0) count.setuid++
    if ((inode.mode & 0o111) !== 0 && isProgram(node)) count.programs++
    if (!seen.has(inode.id)) count.sizeBytes += inode.sizeBytes
    if (inode.isLinked) seen.add(inode.id)
  }
  const accounts = accountsOf(root)
  return {
    ...count,
    accounts: accounts.map(({ name }) => text(name)),
    loginShells: accounts.filter(({ shell }) => !NOWHERE.test(shell)).map(({ name }) => text(name)),
    ...lists,
  }
}

function tellKinds(node: TreeNode, lists: Record<Kind, string[]>): void {
  const path = pathOf(node)
  if (!PROGRAM_PLACE.test(path)) return
  for (const kind of Object.keys(KINDS) as Kind[])
    if (KINDS[kind].test(node.name)) lists[kind].push(text(path))
}

/** Shared libraries are ELF files that may be executed too: those have no place among programs. */
function isProgram(node: TreeNode): boolean {
  if (/\.so(\.|$)/.test(node.name)) return false
  return isElf(node.inode) || readContent(node.inode, 2).toString('latin1') === '#!'
}

function text(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8')
}
