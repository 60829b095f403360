import { removable, type Rule } from './rule.ts'

export const rule: Rule = {
  id: 'unused',
  title: 'whatever the traced run did not use',
  reason: 'the service passed its test without it',
  byDefault: true,
  // Without a traced run nothing is known of use.
  *plan({ root, keep, seenIds }) {
    if (seenIds !== null) for (const child of root.children()) yield* removable(child, keep)
  },
}
