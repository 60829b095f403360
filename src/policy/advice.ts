import type { PolicyFile } from './file.ts'
import { compileGlob } from './glob.ts'
import { compileTree } from './match-tree.ts'
import type { Problem } from './problem.ts'

/** What loads, and yet can hardly be meant: a rule that expects everything, a rule that stands twice. */
export function adviceOn({ path, declaration }: PolicyFile): readonly Problem[] {
  if (declaration === null) return []
  const seen = new Map<string, number>()
  return declaration.expect.flatMap(({ glob, kinds, maxSizeBytes, source }): Problem[] => {
    const first = seen.get(glob)
    if (kinds === null && maxSizeBytes === null && first === undefined) seen.set(glob, source.line)
    const at = { level: 'warning', file: path, line: source.line, column: null } as const
    if (first !== undefined) {
      const hint = 'take this one away: what that one expects, whatever its kind and size, is all there is'
      return [{ ...at, message: `'${glob}' stands in line ${first} already`, hint }]
    }
    if (kinds === null && maxSizeBytes === null && expectsAll(glob)) {
      const hint = 'name the folders that it writes to'
      return [{ ...at, message: `'${glob}' expects every change of the container`, hint }]
    }
    return []
  })
}

function expectsAll(glob: string): boolean {
  return compileTree([compileGlob(glob)]).root.below.length > 0
}
