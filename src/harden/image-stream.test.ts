import assert from 'node:assert/strict'
import { readdirSync, statSync } from 'node:fs'
import { describe, test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { takeIn } from './image-stream.ts'
import { listing, outgoing, savedImage, stream, taken, tarOf, type FileSpec } from './image.fixture.ts'
import { newRoot, readContent, resolve } from './image-tree.ts'
import { BLOCK } from './tar-header.ts'
import { END, tarHeader } from './tar-write.ts'

describe('layers laid over each other', () => {
  test('a whiteout takes away what lies beneath, never what its own layer brings', async () => {
    const image = await taken([
      [
        { name: 'a/', type: 'directory' },
        { name: 'a/old' },
        { name: 'a/other' },
        { name: 'gone/x/y' },
        { name: 'file' },
      ],
      [
        { name: 'a/new' },
        { name: 'a/.wh..wh..opq' },
        { name: '.wh.gone' },
        { name: '.wh.file' },
        { name: 'file', content: 'again' },
      ],
    ])
    assert.deepEqual(
      listing(image.tree()).map((line) => line.split(' ')[0]),
      ['/a', '/a/new', '/file'],
    )
    image.close()
  })

  test('a file takes the place of a folder, and a folder of a file', async () => {
    const image = await taken([
      [{ name: 'x/inner' }, { name: 'y' }],
      [{ name: 'x', content: 'file' }, { name: 'y/inner' }],
    ])
    assert.deepEqual(listing(image.tree()), [
      '/x file 0644 0:0 file',
      '/y directory 0755 0:0',
      '/y/inner file 0644 0:0',
    ])
    image.close()
  })

  test('the last of two entries of one name counts', async () => {
    const image = await taken([
      [
        { name: 'a', content: 'first' },
        { name: './a', content: 'last', mode: 0o600 },
      ],
    ])
    assert.deepEqual(listing(image.tree()), ['/a file 0600 0:0 last'])
    image.close()
  })

  test('what is put below a link lies where the link leads, inside the image', async () => {
    const image = await taken([
      [
        { name: 'usr/lib/', type: 'directory' },
        { name: 'lib', type: 'symlink', linkName: '/usr/lib' },
        { name: 'up', type: 'symlink', linkName: '../../../../usr' },
        { name: 'lib/x', content: 'x' },
        { name: 'up/y', content: 'y' },
        { name: '/absolute', content: 'z' },
      ],
    ])
    const root = image.tree()
    for (const path of ['/usr/lib/x', '/usr/y', '/absolute'])
      assert.equal(resolve(root, path).node?.inode.type, 'file', path)
    image.close()
  })

  test('layers may be compressed', async () => {
    for (const pack of [gzipSync, zstdCompressSync]) {
      const layer = pack(tarOf([{ name: 'a', content: 'packed' }]))
      const image = await takeIn(stream(savedImage([layer])))
      assert.deepEqual(listing(image.tree()), ['/a file 0644 0:0 packed'])
      image.close()
    }
  })
})

describe('what goes out is what came in', () => {
  const everything: FileSpec[] = [
    { name: 'bin/', type: 'directory', mode: 0o755 },
    {
      name: 'bin/prog',
      content: 'p'.repeat(1500),
      mode: 0o755,
      xattrs: new Map([['security.capability', Buffer.from('\x01\x00\x00\x02\n=\xff', 'latin1')]]),
    },
    { name: 'bin/second', type: 'hard-link', linkName: 'bin/prog' },
    { name: 'link', type: 'symlink', linkName: 'bin/prog' },
    { name: 'fifo', type: 'fifo', mode: 0o600 },
    { name: 'owned', uid: 3_000_000, gid: 12, mtime: '1700000000.123456789', mode: 0o4755 },
    { name: 'n\xffot \n utf8', content: 'bytes' },
    { name: `${'deep/'.repeat(60)}file`, content: 'deep' },
    { name: 'big', content: 'x'.repeat(700_000) },
  ]

  test('names, modes, owners, times, attributes, hard links and contents', async () => {
    const image = await taken([everything])
    const root = image.tree()
    const again = await takeIn(stream(await outgoing(root, image)))
    const second = again.tree()
    assert.deepEqual(listing(second), listing(root))
    const [first, other] = ['/bin/prog', '/bin/second'].map((path) => resolve(second, path).node)
    assert.equal(first?.inode.id, other?.inode.id, 'one file, two names')
    assert.equal(
      first?.inode.xattrs.get('security.capability')?.toString('latin1'),
      '\x01\x00\x00\x02\n=\xff',
    )
    assert.equal(resolve(second, '/owned').node?.inode.mtime, '1700000000.123456789')
    assert.equal(resolve(second, '/owned').node?.inode.uid, 3_000_000)
    image.close()
    again.close()
  })

  test('the same files in another order give the same bytes', async () => {
    const [one, two] = await Promise.all([
      taken([everything]),
      taken([[...everything.slice(3), ...everything.slice(0, 3)]]),
    ])
    assert.ok((await outgoing(one.tree(), one)).equals(await outgoing(two.tree(), two)))
    one.close()
    two.close()
  })

  test('the configuration stays but for layers and history', async () => {
    const config = {
      Entrypoint: ['/x'],
      Labels: { a: 'b' },
      Healthcheck: { Test: ['CMD', 'x'] },
      StopSignal: 'SIGQUIT',
      Later: { field: 1 },
    }
    const image = await taken([[{ name: 'x' }]], config)
    const again = await takeIn(stream(await outgoing(image.tree(), image)))
    assert.deepEqual(again.config.document['config'], config)
    assert.deepEqual(again.config.healthCheck, ['CMD', 'x'])
    image.close()
    again.close()
  })
})

test('ten gigabytes in ten files go through memory in pieces, and as holes to the disk', async () => {
  const [count, each, piece] = [10, 2 ** 30, Buffer.alloc(2 ** 20)]
  async function* saved(): AsyncGenerator<Buffer> {
    yield headerOf('l/layer.tar', count * (each + BLOCK) + END.length)
    for (let file = 0; file < count; file++) {
      yield headerOf(`srv/${file}`, each)
      for (let at = 0; at < each; at += piece.length) yield await Promise.resolve(piece)
    }
    yield END
    const rest = savedImage([])
    const manifest = JSON.stringify([{ Config: 'config.json', Layers: ['l/layer.tar'] }])
    yield rest.subarray(0, rest.indexOf('manifest.json'))
    yield tarOf([{ name: 'manifest.json', content: manifest }])
  }
  const before = process.memoryUsage.rss()
  const image = await takeIn(saved())
  const files = [...image.tree().children()].flatMap((folder) => [...folder.children()])
  assert.equal(
    files.reduce((sum, { inode }) => sum + inode.sizeBytes, 0),
    count * each,
  )
  assert.deepEqual(readContent(files[9]?.inode ?? newRoot().inode, 4, each - 4), Buffer.alloc(4))
  const disk = readdirSync('/proc/self/fd').flatMap((fd) => {
    const found = statSync(`/proc/self/fd/${fd}`, { throwIfNoEntry: false })
    return found !== undefined && found.isFile() && found.size >= count * each ? [found.blocks * 512] : []
  })
  assert.ok(disk.length === 1 && (disk[0] ?? 0) < 2 ** 20, `${String(disk)} bytes on the disk`)
  assert.ok(process.memoryUsage.rss() - before < 100 * 2 ** 20, 'held in memory')
  image.close()
})

function headerOf(name: string, sizeBytes: number): Buffer {
  return tarHeader({
    ...{ type: 'file', name, sizeBytes, linkName: '', mode: 0o644, uid: 0, gid: 0, mtime: '0' },
    ...{ major: 0, minor: 0, xattrs: new Map<string, Buffer>() },
  })
}
