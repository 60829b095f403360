import { linesOf } from '../accounts.ts'
import { resolve } from '../image-tree.ts'
import { removable, type Rule } from './rule.ts'

const NOWHERE = /\/(nologin|false)$/
/** What login shells read. */
const FILES = [
  '/etc/shells',
  '/etc/securetty',
  '/etc/skel',
  '/etc/profile',
  '/etc/profile.d',
  '/etc/bash.bashrc',
  '/etc/inputrc',
  '/root/.profile',
  '/root/.bashrc',
]

export const rule: Rule = {
  id: 'login-shells',
  title: 'login shells of accounts, and what such shells read',
  reason: 'nobody logs in to a service; a process that runs as an account needs no shell of it',
  byDefault: true,
  *plan({ root, keep, untouchable }) {
    const { node } = resolve(root, '/etc/passwd')
    if (node?.inode.type === 'file' && !untouchable(node)) {
      const before = linesOf(root, '/etc/passwd')
      const after = before.map((line) => {
        const fields = line.split(':')
        if (fields.length !== 7 || NOWHERE.test(fields[6] ?? '')) return line
        return [...fields.slice(0, 6), '/sbin/nologin'].join(':')
      })
      const changed = before
        .filter((line, index) => line !== after[index])
        .map((line) => line.split(':')[0] ?? '')
      const bytes = Buffer.from(after.map((line) => `${line}\n`).join(''), 'latin1')
      if (changed.length > 0) yield { do: 'write', node, bytes, said: `no login for ${changed.join(', ')}` }
    }
    for (const path of FILES) {
      const found = resolve(root, path, { last: false }).node
      if (found !== null) yield* removable(found, keep)
    }
  },
}
