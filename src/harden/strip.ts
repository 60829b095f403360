import type { Glob } from '../policy/glob.ts'
import { applyRules, type RuleResult } from './apply.ts'
import { type Census, takeCensus } from './census.ts'
import { keepNamed, type NamedPrograms } from './entry-programs.ts'
import type { ImageConfig } from './image-config.ts'
import { resolve, type TreeNode } from './image-tree.ts'
import { type Keep, newKeep } from './keep.ts'
import { keepGlobs } from './keep-globs.ts'
import { keepData, keepTraced, type USUAL_DATA } from './keep-traced.ts'
import { type PackageList, readPackages } from './packages.ts'
import type { Rule, Subject } from './rules/rule.ts'
import { rules } from './rules/table.ts'
import type { Observed } from './trace.ts'

export interface StripSettings {
  readonly keep: readonly Glob[]
  readonly isOn: (rule: Rule) => boolean
  /** What a traced run used; null: by rules alone. */
  readonly observed: Observed | null
  /** Kinds of data that a traced run keeps though nothing read them. */
  readonly data: readonly (keyof typeof USUAL_DATA)[]
}

/** A stripped tree, and what was done to it. */
export interface Stripped {
  readonly root: TreeNode
  readonly before: Census
  readonly after: Census
  readonly rules: readonly RuleResult[]
  readonly keep: Keep
  readonly unusedKeep: readonly string[]
  readonly healthCheck: NamedPrograms['healthCheck']
  readonly packages: PackageList
}

/** Decides what stays, and applies the rules to the rest. `root` is changed. */
export function strip(root: TreeNode, config: ImageConfig, settings: StripSettings): Stripped {
  const before = takeCensus(root)
  const packages = readPackages(root)
  const keep = newKeep(root, config.env)
  const { healthCheck } = keepNamed(root, config, keep, { scripts: settings.observed === null })
  if (settings.observed !== null) keepUsed(root, settings.observed, settings.data, keep)
  keepFolders(root, config, keep)
  const globs = keepGlobs(root, settings.keep, keep)
  const subject: Subject = {
    root,
    config,
    keep,
    untouchable: (node) => globs.named.has(node.id),
    packages,
    seenIds: settings.observed,
  }
  const results = applyRules(rules, settings.isOn, subject)
  const after = takeCensus(root)
  return { root, before, after, rules: results, keep, unusedKeep: globs.unused, healthCheck, packages }
}

function keepUsed(root: TreeNode, observed: Observed, data: StripSettings['data'], keep: Keep): void {
  keepTraced(root, observed, keep)
  for (const kind of data) keepData(root, kind, keep)
  // The engine looks users and groups up before anything runs.
  for (const path of ['/etc/passwd', '/etc/group']) keep.add(path, 'the engine reads it')
}

/** Where the engine mounts something, or starts the service: these must be there, whatever is in them. */
function keepFolders(root: TreeNode, config: ImageConfig, keep: Keep): void {
  for (const volume of config.volumes) keep.add(volume, 'a volume')
  if (config.workingDir !== '') keep.add(config.workingDir, 'the working directory')
  for (const path of ['/proc', '/sys', '/dev', '/run', '/tmp', '/var/tmp', '/etc']) {
    const { node } = resolve(root, path, { last: false })
    if (node !== null) keep.addNode(node, 'a folder that every container has')
  }
}
