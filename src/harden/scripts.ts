import { isElf } from './elf.ts'
import { shellWords } from './entry-programs.ts'
import { pathOf, readContent, resolve, type TreeNode, walk } from './image-tree.ts'
import { type Keep, searchPath } from './keep.ts'
import type { Subject } from './rules/rule.ts'
import { idleLibraries } from './rules/unused-libraries.ts'

const LONGEST_SCRIPT_BYTES = 256 * 1024
const PIECE_BYTES = 4 * 1024 * 1024
const LONGEST_PATH_BYTES = 256

/**
 * Keeps what the rest of an image names: interpreters of its scripts, programs that its shell scripts mention, and paths
 * of programs that stand as text in its binaries ("/bin/sh"). The distribution's own programs name each other: these do not count,
 * nor do libraries that only they load.
 */
export function keepMentioned(subject: Subject): void {
  const { root, config, keep, packages } = subject
  const path = searchPath(config.env)
  const counts = (node: TreeNode) => keep.has(node) || !packages.isOfBase(node)
  const idle = idleLibraries(subject, counts)
  const mayRun = ({ inode }: TreeNode) =>
    inode.type === 'file' && ((inode.mode & 0o111) !== 0 || isElf(inode))
  // All before the first is kept: what is kept counts.
  const nodes = walk(root)
    .filter((node) => counts(node) && !idle.has(node.id) && mayRun(node))
    .toArray()
  for (const node of nodes) {
    if (isElf(node.inode)) {
      for (const place of programPaths(node)) keepProgram(root, place, keep, `named in ${pathOf(node)}`)
      continue
    }
    const head = readContent(node.inode, 128).toString('latin1')
    if ((node.inode.mode & 0o111) === 0 || !head.startsWith('#!')) continue
    const why = `named by ${pathOf(node)}`
    const [, interpreter = ''] = /^#![ \t]*(\S+)/.exec(head) ?? []
    keepProgram(root, interpreter, keep, `the interpreter of ${pathOf(node)}`)
    const isShell = /\b(sh|bash|dash|ash|ksh)\b/.test(head)
    const words = isShell ? shellWords(readContent(node.inode, LONGEST_SCRIPT_BYTES).toString('latin1')) : []
    const env = /env[ \t]+(-S[ \t]+)?(\S+)/.exec(head)?.[2]
    for (const word of [...words, ...(env === undefined ? [] : [env])])
      for (const place of word.includes('/') ? [word] : path.map((folder) => `${folder}/${word}`))
        keepProgram(root, place, keep, why)
  }
}

function keepProgram(root: TreeNode, place: string, keep: Keep, why: string): void {
  if (!place.startsWith('/')) return
  const { node } = resolve(root, place)
  if (node?.inode.type === 'file' && (node.inode.mode & 0o111) !== 0) keep.add(place, why)
}

function programPaths(node: TreeNode): Set<string> {
  const found = new Set<string>()
  const size = node.inode.sizeBytes
  for (let at = 0; at < size; at += PIECE_BYTES) {
    const text = readContent(node.inode, PIECE_BYTES + LONGEST_PATH_BYTES, at).toString('latin1')
    for (const [path] of text.matchAll(/\/(usr\/|usr\/local\/)?s?bin\/[\w.+-]{1,64}/g)) found.add(path)
  }
  return found
}
