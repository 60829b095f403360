import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { changeInode, newRoot, pathOf, put, putLink, remove, type TreeNode, walk } from './image-tree.ts'
import type { InodeFields } from './inodes.ts'

const file: InodeFields = {
  ...{ type: 'file', mode: 0o644, uid: 0, gid: 0, mtime: '1700000000' },
  ...{ content: null, target: '', major: 0, minor: 0, xattrs: new Map() },
}
const folder: InodeFields = { ...file, type: 'directory' }
const names = (node: TreeNode) => [...node.children()].map(({ name }) => name)

test('whatever is put into a folder and removed from it: what is left is found, and comes in byte order', () => {
  const name = fc.string({
    unit: fc.constantFrom('a', 'b', 'A', '.', '\xff', '\x01'),
    minLength: 1,
    maxLength: 4,
  })
  const deed = fc.record({ name, isRemoved: fc.boolean() })
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 200 }), (deeds) => {
      const root = newRoot()
      const other = put(root, 'other folder', folder)
      const wanted = new Set(['other folder'])
      for (const { name: each, isRemoved } of deeds) {
        const found = root.child(each)
        assert.equal(found?.name, wanted.has(each) ? each : undefined)
        if (!isRemoved) put(root, each, file)
        else if (found !== null) remove(found)
        if (isRemoved) wanted.delete(each)
        else wanted.add(each)
        put(other, each, file)
      }
      assert.deepEqual(names(root), [...wanted].sort())
      assert.deepEqual(names(other), [...new Set(deeds.map(({ name: each }) => each))].sort())
    }),
  )
})

test('a walk comes to folders before what is in them, and to no more than was asked for', () => {
  const root = newRoot()
  const inner = put(put(root, 'b', folder), 'inner', folder)
  for (const each of ['z', 'a']) put(inner, each, file)
  for (const each of ['c', 'a']) put(root, each, file)
  assert.deepEqual([...walk(root)].map(pathOf), [
    '/',
    '/a',
    '/b',
    '/b/inner',
    '/b/inner/a',
    '/b/inner/z',
    '/c',
  ])
  assert.deepEqual([...walk(inner)].map(pathOf), ['/b/inner', '/b/inner/a', '/b/inner/z'])
})

test('a folder over a folder keeps what is in it; a file over it, or it over a file, does not', () => {
  const root = newRoot()
  const node = put(root, 'x', folder)
  put(node, 'inner', file)
  assert.equal(put(root, 'x', { ...folder, mode: 0o700 }).inode.mode, 0o700)
  assert.deepEqual(names(node), ['inner'])
  put(root, 'x', file)
  assert.equal(put(root, 'x', folder).hasChildren, false)
})

test('what changes under one name changes under all, but for what a layer puts in its place', () => {
  const root = newRoot()
  const [one, two] = [put(root, 'one', file), put(root, 'two', file)]
  one.inode.markLinked()
  putLink(root, 'two', one.inode)
  one.inode.mode = 0o600
  one.inode.write(Buffer.from('new'))
  assert.deepEqual([two.inode.mode, two.inode.sizeBytes], [0o600, 3])
  changeInode(one, { ...file, uid: 7 })
  assert.deepEqual([one.inode.uid, one.inode.mode, one.inode.sizeBytes], [7, 0o644, 0])
  assert.deepEqual([two.inode.uid, two.inode.mode, two.inode.sizeBytes], [0, 0o600, 3])
})

test('times and attributes come back as they were', () => {
  const xattrs = new Map([
    ['security.capability', Buffer.from([1, 0, 0, 2, 0x3a, 0xff])],
    ['user.a:b', Buffer.alloc(0)],
    ['user.7:2:c', Buffer.from('1:1:')],
  ])
  const { inode } = put(newRoot(), 'x', { ...file, mtime: '-1.5', xattrs, uid: 999_999_999_999_999 })
  assert.deepEqual([inode.mtime, inode.uid, inode.xattrs], ['-1.5', 999_999_999_999_999, xattrs])
})
