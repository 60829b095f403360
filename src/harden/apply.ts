import { pathOf, remove, walk } from './image-tree.ts'
import type { Inode } from './inodes.ts'
import type { Action, Rule, Subject } from './rules/rule.ts'

/** One thing that a rule did, for the report. */
export interface Deed {
  readonly path: string
  readonly did: 'removed' | 'mode' | 'owner' | 'content'
  /** What it was and became: "4755 → 0755", "12:12 → 0:0", "without news, games"; empty for what was removed. */
  readonly change: string
  /** With all that was in it. */
  readonly entries: number
  readonly sizeBytes: number
  /** "busybox" where only one of its many names went; null for all others. */
  readonly nameOf: string | null
}

export interface RuleResult {
  readonly rule: Pick<Rule, 'id' | 'title' | 'reason'>
  readonly on: boolean
  readonly deeds: readonly Deed[]
}

/** Decides by each rule that is on, in the table's order, and does what it decided before the next one looks. */
export function applyRules(
  rules: readonly Rule[],
  isOn: (rule: Rule) => boolean,
  subject: Subject,
): RuleResult[] {
  return rules.map((rule) => {
    const on = isOn(rule)
    return { rule, on, deeds: on ? [...rule.plan(subject)].map((action) => perform(action)) : [] }
  })
}

function perform(action: Action): Deed {
  const { node } = action
  const path = pathOf(node)
  const { inode } = node
  const none = { path, entries: 1, sizeBytes: 0, nameOf: null }
  switch (action.do) {
    case 'remove': {
      let [entries, sizeBytes] = [0, 0]
      for (const { inode: each } of walk(node)) {
        entries++
        sizeBytes += each.sizeBytes
      }
      const nameOf = busyboxName(inode)
      remove(node)
      return { ...none, did: 'removed', change: '', entries, sizeBytes, nameOf }
    }
    case 'mode': {
      const change = `${octal(inode.mode)} → ${octal(action.mode)}`
      inode.mode = action.mode
      return { ...none, did: 'mode', change }
    }
    case 'owner': {
      const change = `${inode.uid}:${inode.gid} → ${action.uid}:${action.gid}`
      inode.uid = action.uid
      inode.gid = action.gid
      return { ...none, did: 'owner', change }
    }
    case 'write': {
      inode.write(action.bytes)
      return { ...none, did: 'content', change: action.said }
    }
  }
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}

/** A removed name of a program with many names is not a removed program. */
function busyboxName(inode: Inode): string | null {
  const name = inode.target.slice(inode.target.lastIndexOf('/') + 1)
  return inode.type === 'symlink' && (name === 'busybox' || name === 'toybox') ? name : null
}
