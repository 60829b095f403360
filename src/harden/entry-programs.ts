import type { ImageConfig } from './image-config.ts'
import { isElf } from './elf.ts'
import { pathOf, readContent, resolve, type TreeNode } from './image-tree.ts'
import { type Keep, searchPath } from './keep.ts'

/** What every shell does by itself. */
const BUILT_IN = new Set(
  `. : [ alias bg break cd command continue do done echo elif else esac eval exec exit export false fg fi for function getopts
  hash if in jobs kill let local printf pwd read readonly return set shift source test then time times trap true type
  ulimit umask unalias unset until wait while`.split(/\s+/),
)

const LONGEST_SCRIPT_BYTES = 256 * 1024
const MOST_SCRIPTS = 200

/** What an image's configuration names: what it starts, and how it tells its health. */
export interface NamedPrograms {
  /** Programs that the health check asks for, as written, present or not. */
  readonly healthCheck: readonly { readonly name: string; readonly path: string | null }[]
}

/**
 * Keeps what the entrypoint, the command and the health check name, and what the scripts among it name in turn. It reads
 * scripts word by word and keeps a word that is a program: too much rather than too little.
 * @param options.scripts false where a traced run tells better what scripts start
 */
export function keepNamed(
  root: TreeNode,
  config: ImageConfig,
  keep: Keep,
  { scripts }: { scripts: boolean },
): NamedPrograms {
  const path = searchPath(config.env)
  const workingDir = resolve(root, config.workingDir === '' ? '/' : config.workingDir).node ?? root
  const seen = new Set<number>()

  function program(word: string): TreeNode | null {
    const places = word.includes('/') ? [word] : path.map((folder) => `${folder}/${word}`)
    for (const place of places) {
      const { node } = resolve(root, place, { from: workingDir })
      if (node?.inode.type === 'file' && (node.inode.mode & 0o111) !== 0) return node
    }
    return null
  }

  function keepWord(word: string, why: string): void {
    const places = word.includes('/') ? [word] : path.map((folder) => `${folder}/${word}`)
    for (const place of places) {
      const { node } = resolve(root, place, { from: workingDir })
      if (node?.inode.type !== 'file' || (!word.includes('/') && (node.inode.mode & 0o111) === 0)) continue
      keep.add(place, why, workingDir)
      readScript(node)
      return
    }
  }

  function readScript(node: TreeNode): void {
    if (
      !scripts ||
      seen.has(node.id) ||
      seen.size > MOST_SCRIPTS ||
      node.inode.type !== 'file' ||
      isElf(node.inode)
    )
      return
    seen.add(node.id)
    const text = readContent(node.inode, LONGEST_SCRIPT_BYTES).toString('latin1')
    if (!/^#!.*\b(sh|bash|dash|ash|ksh|zsh)\b/.test(text.slice(0, 200))) return
    for (const word of shellWords(text)) keepWord(word, `named by ${pathOf(node)}`)
  }

  function command(argv: readonly string[], why: string): void {
    for (const [index, word] of argv.entries()) {
      keepWord(word, why)
      // "sh -c …": the text is a script of its own.
      if (scripts && index > 0 && /\s/.test(word)) for (const inner of shellWords(word)) keepWord(inner, why)
    }
  }

  for (const line of config.env) {
    const value = line.slice(line.indexOf('=') + 1)
    if (value.startsWith('/') && resolve(root, value).node?.inode.type === 'file')
      keep.add(value, `named by the environment (${line.slice(0, line.indexOf('='))})`)
  }
  command(config.entrypoint, 'the entrypoint')
  command(config.command, 'the command')
  const check = config.healthCheck
  if (check === null) return { healthCheck: [] }
  const shell = config.shell.length === 0 ? ['/bin/sh', '-c'] : config.shell
  const argv = check[0] === 'CMD-SHELL' ? [...shell, check[1] ?? ''] : check.slice(1)
  command(argv, 'the health check')
  const words =
    check[0] === 'CMD-SHELL' ? [shell[0] ?? '', ...commandWords(check[1] ?? '')] : argv.slice(0, 1)
  return {
    healthCheck: [...new Set(words)].map((name) => {
      const node = program(name)
      return { name, path: node === null ? null : pathOf(node) }
    }),
  }
}

/** Every word of a shell script that could name a program. */
export function shellWords(text: string): Set<string> {
  const code = text.replace(/(^|\s)#[^\n]*/g, '$1')
  const words = code
    .split(/[^\w./+@-]+/)
    .filter((word) => /^[\w./][\w./+@-]*$/.test(word) && !BUILT_IN.has(word))
  return new Set(words.filter((word) => word !== '/' && word !== '..'))
}

/** The words that stand where a shell expects a command. */
function commandWords(text: string): string[] {
  return text
    .split(/\|\||&&|[|;&\n(){}]|\bif\b|\bthen\b|\belse\b|\bdo\b|!/)
    .flatMap(
      (part) =>
        part
          .trim()
          .split(/\s+/)
          .find((word) => word !== '' && !/^\w+=/.test(word)) ?? [],
    )
    .filter((word) => /^[\w./+-]+$/.test(word) && !BUILT_IN.has(word))
}
