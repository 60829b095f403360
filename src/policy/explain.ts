import type { ChangeFacts } from './judge.ts'
import { compileGlob } from './glob.ts'
import { compileTree } from './match-tree.ts'
import type { ExpectRule, Policy } from './policy.ts'

/** A rule whose pattern matches, and whether it expects the change. */
export interface Considered {
  readonly rule: ExpectRule
  /** Null where it expects it. */
  readonly but: string | null
}

/** All rules whose pattern matches the path, in the order in which they are asked; the first without a "but" decides. */
export function explainChange(policy: Policy, { path, kind, sizeBytes }: ChangeFacts): readonly Considered[] {
  return policy.expect
    .filter(({ glob }) => compileTree([compileGlob(glob)]).matchesPath(path).length > 0)
    .map((rule) => {
      if (rule.kinds !== null && !rule.kinds.has(kind))
        return { rule, but: `it is ${kind}, and the rule is for ${[...rule.kinds].join(', ')}` }
      if (rule.maxSizeBytes !== null && (sizeBytes ?? 0) > rule.maxSizeBytes)
        return { rule, but: `it has ${sizeBytes ?? 0} bytes, and the rule allows ${rule.maxSizeBytes}` }
      return { rule, but: null }
    })
}
