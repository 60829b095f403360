import { UserError } from '../lib/errors.ts'
import { nearest } from '../lib/nearest.ts'
import { USUAL_DATA } from './keep-traced.ts'
import type { Rule } from './rules/rule.ts'
import { rules } from './rules/table.ts'

export interface Choice {
  readonly without: readonly string[]
  readonly with: readonly string[]
}

type Data = keyof typeof USUAL_DATA

/** Which rules are on: those that are by default, without some and with others; and which data a traced run keeps. */
export function chooseRules(choice: Choice): { isOn: (rule: Rule) => boolean; data: readonly Data[] } {
  const data = Object.keys(USUAL_DATA) as Data[]
  const ids = [...rules.map(({ id }) => id), ...data]
  for (const id of [...choice.without, ...choice.with]) {
    if (ids.includes(id)) continue
    const near = nearest(id, ids)
    const meant = near === null ? '' : `, did you mean '${near}'?`
    throw new UserError(`there is no rule '${id}'${meant}`, { hint: `the rules are: ${ids.join(', ')}` })
  }
  return {
    isOn: ({ id, byDefault }) => (byDefault || choice.with.includes(id)) && !choice.without.includes(id),
    data: data.filter((kind) => !choice.without.includes(kind)),
  }
}
