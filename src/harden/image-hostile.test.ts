import assert from 'node:assert/strict'
import { readdirSync, readlinkSync } from 'node:fs'
import { describe, test } from 'node:test'
import { takeIn } from './image-stream.ts'
import { listing, stream, taken, tarOf, type FileSpec } from './image.fixture.ts'
import { resolve } from './image-tree.ts'
import { BLOCK } from './tar-header.ts'
import { readTar } from './tar-read.ts'

describe('an image that no engine should have written is refused in one sentence', () => {
  const header = (change: (block: Buffer) => void, sum = true) => {
    const block = Buffer.from(tarOf([{ name: 'x' }]).subarray(0, BLOCK))
    change(block)
    if (sum) {
      block.fill(32, 148, 156)
      const total = block.reduce((all, byte) => all + byte, 0)
      block.write(`${total.toString(8).padStart(6, '0')}\0 `, 148)
    }
    return block
  }
  const pax = (content: string) => {
    const bytes = Buffer.from(content, 'latin1')
    return tarOf([{ name: 'pax', content: bytes }])
      .subarray(0, -2 * BLOCK)
      .map((byte) => byte)
  }
  const extended = (content: string) => {
    const bytes = Buffer.from(pax(content))
    bytes.write('x', 156)
    return Buffer.concat([header((block) => bytes.copy(block, 0, 0, BLOCK)), bytes.subarray(BLOCK)])
  }
  const globalHeader = (content: string) => {
    const bytes = Buffer.from(pax(content))
    bytes.write('g', 156)
    return Buffer.concat([header((block) => bytes.copy(block, 0, 0, BLOCK)), bytes.subarray(BLOCK)])
  }
  /** GNU tar's way to say a name of more than 100 bytes. */
  const longName = (name: string) => {
    const bytes = Buffer.from(pax(`${name}\0`))
    bytes.write('L', 156)
    return [header((block) => bytes.copy(block, 0, 0, BLOCK)), bytes.subarray(BLOCK), { name: 'short' }]
  }
  const cases: readonly (readonly [string, readonly (FileSpec | Buffer)[], RegExp])[] = [
    [
      'a name that leads out',
      [{ name: '../../etc/cron.d/x' }],
      /'\.\.\/\.\.\/etc\/cron\.d\/x', which leads out of it/,
    ],
    ['".." in the middle', [{ name: 'a/../../x' }], /leads out of it/],
    ['a hard link out', [{ name: 'x', type: 'hard-link', linkName: '../../etc/shadow' }], /leads out of it/],
    [
      'a hard link to nothing',
      [{ name: 'x', type: 'hard-link', linkName: 'none' }],
      /which is no file in it/,
    ],
    [
      'a file below a link that leads nowhere',
      [{ name: 'l', type: 'symlink', linkName: '/none' }, { name: 'l/x' }],
      /a link that leads nowhere/,
    ],
    [
      'links in a circle',
      [
        { name: 'a', type: 'symlink', linkName: 'b' },
        { name: 'b', type: 'symlink', linkName: 'a' },
        { name: 'a/x' },
      ],
      /leads nowhere/,
    ],
    ['a wrong checksum', [header((block) => block.write('y', 0), false)], /wrong checksum/],
    ['an unknown type', [header((block) => block.write('Z', 156))], /unknown type "Z"/],
    ['a sparse file', [header((block) => block.write('S', 156))], /sparse/],
    ['a PAX sparse file', [extended('22 GNU.sparse.major=1\n'), { name: 'x' }], /sparse/],
    ['a size that is no number', [header((block) => block.write('9z', 124))], /a size is no number/],
    ['a negative size', [header((block) => block.fill(0xff, 124, 136))], /negative size/],
    [
      'a size past the end',
      [header((block) => block.write('77777777777', 124))],
      /ends in the middle of an entry/,
    ],
    ['a PAX length that lies', [extended('99 path=x\n'), { name: 'x' }], /extended header is malformed/],
    ['a PAX size that is no number', [extended('10 size=x\n'), { name: 'x' }], /'size' is no number/],
    ['a NUL in a name', [extended('12 path=a\0b\n'), { name: 'x' }], /NUL/],
    ['a GNU long name that leads out', longName(`${'../'.repeat(60)}x`), /leads out of it/],
    [
      'a global header that makes every entry longer than the archive',
      [globalHeader('21 size=999999999999\n'), { name: 'x' }],
      /ends in the middle of an entry/,
    ],
    [
      'an extended header longer than a name can be',
      [extended(`4200 path=${'x'.repeat(4200 - 11)}\n`), { name: 'x' }],
      /longer than 4096 bytes/,
    ],
    [
      'folders that links lead ever deeper into',
      Array.from({ length: 12 }, (_, step): FileSpec[] => [
        { name: `${step === 0 ? '' : `l${step - 1}/`}${'d/'.repeat(100)}x` },
        {
          name: `l${step}`,
          type: 'symlink',
          linkName: `${step === 0 ? '' : `l${step - 1}/`}${'d/'.repeat(100)}`,
        },
      ]).flat(),
      /nested more than 1000 deep/,
    ],
    ['a long name', [{ name: 'n'.repeat(256) }], /longer than 255 bytes/],
    [
      'few entries, and more folders on their way than an image may have',
      Array.from({ length: 1600 }, (_, index) => ({ name: `${index}/${'d/'.repeat(990)}x` })),
      /more than 1500000 files and folders/,
    ],
    [
      'attributes without end',
      Array.from({ length: 70 }, (_, index) => ({
        name: `file-${index}`,
        xattrs: new Map([['user.large', Buffer.alloc(1_000_000, index)]]),
      })),
      /longer than 64 MiB/,
    ],
    ['a long path', [{ name: 'n/'.repeat(3000) }], /longer than 4096 bytes/],
  ]
  for (const [name, entries, message] of cases) {
    test(name, async () => {
      const before = openFiles()
      await assert.rejects(
        async () => {
          const image = await taken([entries])
          try {
            image.tree()
          } finally {
            image.close()
          }
        },
        { name: 'UserError', message },
      )
      assert.equal(openFiles(), before, 'nothing of it is left open')
    })
  }

  test('no manifest, or one that names nothing', async () => {
    await assert.rejects(
      takeIn(stream(tarOf([{ name: 'x' }]))),
      /'manifest.json', which its manifest names, is not in it/,
    )
    await assert.rejects(
      takeIn(stream(tarOf([{ name: 'manifest.json', content: '[{}]' }]))),
      /names no layers/,
    )
    await assert.rejects(takeIn(stream(tarOf([{ name: 'manifest.json', content: '{' }]))), /not JSON/)
    await assert.rejects(takeIn(stream(Buffer.from('no tar at all'.repeat(100)))), { name: 'UserError' })
  })

  test('more entries than any real image has', () => {
    const block = header(() => undefined)
    const window = Buffer.concat(Array.from({ length: 128 }, () => block))
    const endless = {
      sizeBytes: () => 2 ** 40,
      read: (_: number, length: number) => window.subarray(0, length),
    }
    let read = 0
    assert.throws(
      () => {
        for (const _ of readTar(endless, 0, 2 ** 40)) read++
      },
      { name: 'UserError', message: /more than 1000000 entries/ },
    )
    assert.equal(read, 1_000_000)
  })

  test('whiteouts of nothing and of oddities take nothing away', async () => {
    const odd = ['.wh.', '.wh..', '.wh...', '.wh..wh.aufs', '.wh.none', 'a/.wh.', 'new/.wh.x']
    const image = await taken([[{ name: 'a/b' }], odd.map((name) => ({ name }))])
    assert.deepEqual(
      listing(image.tree()).map((line) => line.split(' ')[0]),
      ['/a', '/a/b', '/new'],
    )
    image.close()
  })

  test('a character device 0/0, an overlay’s whiteout, is nothing that an image may bring', async () => {
    const image = await taken([
      [{ name: 'etc/passwd', type: 'character-device', mode: 0o666 }, { name: 'x' }],
    ])
    assert.deepEqual(
      listing(image.tree()).map((line) => line.split(' ')[0]),
      ['/etc', '/x'],
    )
    image.close()
  })

  test('an overlay’s own attributes are left out', async () => {
    const xattrs = new Map([
      ['trusted.overlay.redirect', Buffer.from('/etc')],
      ['user.mine', Buffer.from('1')],
    ])
    const image = await taken([[{ name: 'x/', type: 'directory', xattrs }]])
    assert.deepEqual([...(resolve(image.tree(), '/x').node?.inode.xattrs.keys() ?? [])], ['user.mine'])
    image.close()
  })
})

function openFiles(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).includes('/paddock-')
    } catch {
      return false
    }
  }).length
}
