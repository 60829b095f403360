import { UserError } from '../lib/errors.ts'
import { type PolicyFolder, readPolicies } from './file.ts'
import { readLabels } from './labels.ts'
import { mergePolicy, speaksOf } from './merge.ts'
import type { ExecMode, Policy } from './policy.ts'
import { errorsOf, type Problem, problemText } from './problem.ts'
import type { Declaration } from './schema.ts'

/** The declared policies of a host, for as long as a program runs. */
export interface PolicyStore {
  declarations(): readonly Declaration[]
  /** Reads all again. What does not load any more keeps what it last said: a mistake never widens what is expected. */
  reload(): void
  /** What is wrong now. */
  problems(): readonly Problem[]
}

/** What of a container says which policy is its own. */
export interface Policed {
  readonly name: string
  readonly image: string
  readonly labels: Readonly<Record<string, string>>
}

/**
 * @param path a policy file or folder
 * @param mustExist false for the default folder: a host without policies expects nothing
 */
export function openPolicyStore(path: string, options: { mustExist: boolean }): PolicyStore {
  let lastGood: ReadonlyMap<string, Declaration> = new Map()
  let problems: readonly Problem[] = []

  function reload(): void {
    // Once it said something, its going away as a whole is more likely a mistake than meant.
    const folder = readPolicies(path, { mustExist: options.mustExist || lastGood.size > 0 })
    problems = [...folder.problems, ...folder.files.flatMap((file) => file.problems)]
    lastGood = keepLastGood(lastGood, folder)
  }

  reload()
  return { declarations: () => [...lastGood.values()], reload, problems: () => problems }
}

function keepLastGood(
  before: ReadonlyMap<string, Declaration>,
  folder: PolicyFolder,
): ReadonlyMap<string, Declaration> {
  if (errorsOf(folder.problems).length > 0) return before
  const pairs = folder.files.map(({ path, declaration }) => [path, declaration ?? before.get(path)] as const)
  return new Map(pairs.filter((pair): pair is readonly [string, Declaration] => pair[1] !== undefined))
}

/**
 * Reads the policies for a command that judges by them once.
 * @throws UserError when one of them does not load
 */
export function loadPolicies(path: string, options: { mustExist: boolean }): readonly Declaration[] {
  const store = openPolicyStore(path, options)
  const [first, ...more] = errorsOf(store.problems())
  if (first === undefined) return store.declarations()
  const others = more.length === 0 ? '' : ` (and ${more.length} more)`
  throw new UserError(`cannot use the policy: ${problemText(first)}${others}`, {
    hint: `see 'paddock policy check ${path}'`,
  })
}

/**
 * The policy of one container: what files declare, then what its labels add.
 * @param imageLabels the image's own; null where they are not known
 * @param exec what holds where nothing is said
 */
export function policyOf(
  container: Policed,
  imageLabels: Readonly<Record<string, string>> | null,
  declarations: readonly Declaration[],
  exec: ExecMode = 'alert',
): { policy: Policy; problems: readonly Problem[] } {
  const spoken = declarations.filter((one) => speaksOf(one.match, container.name, container.image))
  const labels = readLabels(container.labels, imageLabels)
  const all = labels.declaration === null ? spoken : [...spoken, labels.declaration]
  return { policy: mergePolicy(all, exec), problems: labels.problems }
}
