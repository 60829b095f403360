import assert from 'node:assert/strict'
import { test } from 'node:test'
import { overlayLayers, parseMounts } from './mount-table.ts'

test('a line of mountinfo is read, its octal escapes undone', () => {
  const line =
    '36 35 0:38 / /a\\040b\\134c rw,relatime shared:1 - overlay overlay rw,lowerdir=/l1:/l2,upperdir=/u,workdir=/w'
  assert.deepEqual(parseMounts(`${line}\nnonsense\n`), [
    {
      id: 36,
      device: '0:38',
      root: '/',
      target: '/a b\\c',
      readOnly: false,
      fsType: 'overlay',
      superOptions: 'rw,lowerdir=/l1:/l2,upperdir=/u,workdir=/w',
    },
  ])
})

test('layers are named in one option, one by one, with escaped colons, and with data-only layers', () => {
  const one = overlayLayers('rw,lowerdir=/a\\:b:/c::/d1::/d2,upperdir=/u,workdir=/w,userxattr')
  assert.deepEqual(one, {
    upper: '/u',
    lowers: ['/a:b', '/c'],
    dataLowers: ['/d1', '/d2'],
    usesUserXattrs: true,
  })
  const each = overlayLayers('rw,lowerdir+=/a,lowerdir+=/b,datadir+=/d,upperdir=/u,workdir=/w')
  assert.deepEqual(each, { upper: '/u', lowers: ['/a', '/b'], dataLowers: ['/d'], usesUserXattrs: false })
})

test('a backslash takes what follows it literally, itself too', () => {
  const layers = overlayLayers(
    String.raw`rw,lowerdir=/a\134\134:/b\134:c:/d\054e,upperdir=/u\040v,workdir=/w`,
  )
  assert.deepEqual(layers?.lowers, ['/a\\', '/b:c', '/d,e'])
  assert.equal(layers.upper, '/u v')
})

test('an overlay without upperdir has no layer directory', () => {
  assert.equal(overlayLayers('ro,lowerdir=/a:/b'), null)
})
