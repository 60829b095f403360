import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Entry } from '../../cow/change.ts'
import { bytePath, pathFromJson } from '../../lib/byte-path.ts'
import { changeJson } from './change-json.ts'

const entry: Entry = {
  type: 'file',
  mode: 0o100644,
  uid: 0,
  gid: 33,
  sizeBytes: 7,
  mtimeNs: 1n,
  inode: 2n,
  device: 3,
  links: 1,
  rdev: 0,
}

test('any path and any name in a file of rules is valid JSON, and comes back byte for byte', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 40 }),
      fc.string(),
      fc.string({ unit: 'binary' }),
      (bytes, file, name) => {
        const path = bytePath(Buffer.concat([Buffer.from('/'), bytes]))
        const text = changeJson({
          change: {
            path,
            kind: 'modified',
            type: 'file',
            now: entry,
            was: { ...entry, sizeBytes: 2 ** 40 },
            sha256: 'ab',
            xattrs: [name],
            fileCapabilities: false,
          },
          expected: true,
          rule: { file, line: 3 },
          severity: 'high',
          reasons: ['setuid', 'library'],
        })
        const json = JSON.parse(text) as { path: string }
        assert.equal(pathFromJson(json), path)
        const { path: _, pathBase64: __, ...rest } = json as { path: string; pathBase64?: string }
        assert.deepEqual(rest, {
          kind: 'modified',
          type: 'file',
          mode: '100644',
          uid: 0,
          gid: 33,
          size: 7,
          sha256: 'ab',
          severity: 'high',
          reasons: ['setuid', 'library'],
          expected: true,
          rule: `${file}:3`,
          was: { mode: '100644', uid: 0, gid: 33, size: 2 ** 40 },
          xattrs: [name],
        })
      },
    ),
  )
})

test('what is not there has no member', () => {
  const gone = {
    path: bytePath(Buffer.from('/a')),
    kind: 'deleted',
    type: 'file',
    now: null,
    was: entry,
    xattrs: [],
    fileCapabilities: false,
  } as const
  assert.equal(
    changeJson({ change: gone, expected: false, rule: null, severity: 'medium', reasons: [] }),
    '{"path":"/a","kind":"deleted","type":"file","severity":"medium","reasons":[],"expected":false,"rule":null,"was":{"mode":"100644","uid":0,"gid":33,"size":7}}',
  )
})
