import { pathOf, resolve, walk } from '../image-tree.ts'
import type { Rule } from './rule.ts'

/** What is there only while the container runs. */
const AT_RUN_TIME = /^\/(proc|sys|dev|run|var\/run)(\/|$)/

export const rule: Rule = {
  id: 'broken-links',
  title: 'links that lead nowhere',
  reason: 'what they led to is gone; whoever can write there decides what they lead to next',
  byDefault: true,
  *plan({ root, config, keep }) {
    for (const node of walk(root)) {
      if (node.inode.type !== 'symlink' || keep.has(node)) continue
      const { node: target } = resolve(root, pathOf(node))
      if (target !== null) continue
      const folder = pathOf(node.parent ?? root)
      const place = absolute(folder, node.inode.target)
      if (AT_RUN_TIME.test(place) || config.volumes.some((volume) => place.startsWith(volume))) continue
      yield { do: 'remove', node }
    }
  },
}

function absolute(folder: string, target: string): string {
  const names: string[] = target.startsWith('/') ? [] : folder.split('/').filter((name) => name !== '')
  for (const name of target.split('/')) {
    if (name === '..') names.pop()
    else if (name !== '' && name !== '.') names.push(name)
  }
  return `/${names.join('/')}`
}
