import { hostname } from 'node:os'
import { dirname, resolve } from 'node:path'
import { UserError } from '../../lib/errors.ts'
import type { Sudo } from '../facts.ts'
import type { HostTree } from './host-tree.ts'
import { includeOf, logicalLines, sudoRules } from './sudoers.ts'

const MAX_FILES = 512

type Lines = ReturnType<typeof logicalLines>

/** sudo's rules, its includes followed in the order in which sudo reads them. */
export function gatherSudo(tree: HostTree): Sudo {
  const unreadable: string[] = []
  const own = (tree.live ? hostname() : (tree.text('/etc/hostname') ?? 'localhost')).trim()
  const names = [own, own.split('.')[0] ?? own, 'localhost']
  let files = 0

  function read(path: string, chain: readonly string[]): Lines {
    if (chain.includes(path) || ++files > MAX_FILES) return []
    let text: string | null
    try {
      text = tree.text(path)
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      unreadable.push(path)
      return []
    }
    if (text === null) return []
    return logicalLines({ path, text }).flatMap((line) => {
      const include = includeOf(line.text)
      if (include === null) return [line]
      const target = resolve(dirname(path), include.path.replaceAll('%h', names[1] ?? own))
      if (include.kind === 'file') return read(target, [...chain, path])
      // sudo leaves out names with a dot or a closing tilde.
      const entries = tree.names(target).filter((name) => !name.includes('.') && !name.endsWith('~'))
      return entries.flatMap((name) => read(`${target}/${name}`, [...chain, path]))
    })
  }

  const lines = read('/etc/sudoers', [])
  return { rules: sudoRules(lines, names), unreadable }
}
