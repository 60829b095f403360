import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import type { Change, Layer } from '../../src/cow/change.ts'
import { canaryIn } from '../../src/cow/canary.ts'
import { expectNothing, scanLayer, type ScanReport } from '../../src/cow/scan.ts'
import { close } from '../../src/lib/libc/files.ts'
import { probeEvents, probeGroup, probeMark } from '../../src/lib/libc/abilities.ts'
import { enterOwnMounts, mknod, mountOverlay, mountTmpfs, unmount } from './oracle/kernel-calls.ts'

/* What an intruder with root in a container can put into its layer directory to harm whoever scans it. */

enterOwnMounts()
const home = fs.mkdtempSync('/var/tmp/paddock-hostile-')
const memory = join(home, 'memory')
fs.mkdirSync(memory)
mountTmpfs(memory)
after(() => {
  unmount(memory)
  fs.rmSync(home, { recursive: true, force: true })
})

interface Container {
  readonly layer: Layer
  readonly merged: string
}

let count = 0

/** A real overlay; `image` fills its lower layer, `inside` is what is done in the container. */
function container(image: (root: string) => void, inside: (root: string) => void): Container {
  const own = join(memory, String(count++))
  const [lower, upper, work, merged] = ['lower', 'upper', 'work', 'merged'].map((name) => {
    fs.mkdirSync(join(own, name), { recursive: true })
    return join(own, name)
  }) as [string, string, string, string]
  image(lower)
  mountOverlay(merged, `lowerdir=${lower},upperdir=${upper},workdir=${work}`)
  after(() => {
    unmount(merged)
  })
  inside(merged)
  return {
    layer: { upper, lowers: [lower], dataLowers: [], merged, xattrPrefix: 'trusted.overlay.' },
    merged,
  }
}

async function scan(layer: Layer): Promise<{ changes: Map<string, Change>; report: ScanReport }> {
  const changes = new Map<string, Change>()
  const report = await scanLayer(layer, { expectation: expectNothing, hashes: true }, ({ change }) => {
    assert.ok(!changes.has(change.path), 'told twice')
    changes.set(change.path, change)
  })
  return { changes, report }
}

test('names of any bytes and of full length are told as they are', async () => {
  const names = [
    '\xff\xfe',
    'two\nlines',
    '\x1b[2J\x1b]0;owned\x07',
    '\xe2\x80\xaecod.exe',
    '-rf',
    ' ',
    '\\',
    'n'.repeat(255),
  ]
  const { layer } = container(
    () => undefined,
    (root) => {
      for (const name of names) fs.writeFileSync(Buffer.from(`${root}/${name}`, 'latin1'), name)
    },
  )
  const { changes, report } = await scan(layer)
  assert.deepEqual([...changes.keys()].sort(), names.map((name) => `/${name}`).sort())
  assert.deepEqual(report.unreadable, [])
})

/** One directory in another; no path of such length can be given to the kernel at once. */
function makeDeep(root: string, name: string, depth: number, atEnd: (folder: string) => void): void {
  const before = process.cwd()
  process.chdir(root)
  try {
    for (let level = 0; level < depth; level++) {
      fs.mkdirSync(name)
      process.chdir(name)
    }
    atEnd('.')
  } finally {
    process.chdir(before)
  }
}

test('a tree of 10,000 levels is read to its end', async () => {
  const { layer } = container(
    () => undefined,
    (root) => {
      makeDeep(root, 'd', 10_000, (folder) => {
        fs.writeFileSync(`${folder}/deep`, 'down here')
      })
    },
  )
  const { changes, report } = await scan(layer)
  const path = `${'/d'.repeat(10_000)}/deep`
  assert.equal(changes.size, 10_001)
  assert.equal(changes.get(path)?.now?.sizeBytes, 9)
  assert.equal(changes.get(path)?.sha256?.length, 64)
  assert.deepEqual(report.unreadable, [])
})

test('what is deeper than any path can be told makes the scan not ok, and nothing else', async () => {
  const { layer } = container(
    () => undefined,
    (root) => {
      fs.writeFileSync(`${root}/beside`, '')
      makeDeep(root, 'x'.repeat(250), 600, () => undefined)
    },
  )
  const { changes, report } = await scan(layer)
  assert.ok(changes.has('/beside'))
  assert.equal(report.unreadable.length, 1)
  assert.match(report.unreadable[0]?.error ?? '', /its path is longer than/)
})

/** A filesystem of the host where every open and every read is seen, by whomever. */
function watchedHost(): { readonly folder: string; events: () => number } {
  const folder = join(home, `host${count++}`)
  fs.mkdirSync(folder)
  mountTmpfs(folder)
  fs.mkdirSync(join(folder, 'etc'))
  for (const name of ['secret', 'etc/shadow']) fs.writeFileSync(join(folder, name), 'of the host')
  const group = probeGroup('descriptor')
  const [access, open, onFolders] = [0x1, 0x20, 0x40000000]
  assert.equal(probeMark(group, 'filesystem', access | open | onFolders, folder), 0)
  after(() => {
    close(group)
    unmount(folder)
  })
  const events = () => {
    const seen = probeEvents(group)
    for (const { fd } of seen) close(fd)
    return seen.length
  }
  return { folder, events }
}

test('links to the host, at every level and in every place, are told and never followed', async () => {
  const host = watchedHost()
  fs.readFileSync(join(host.folder, 'etc/shadow'))
  assert.ok(host.events() > 0, 'a read that happens is seen')

  const { layer } = container(
    (root) => {
      for (const name of ['folder/sub', 'kept', 'other']) fs.mkdirSync(join(root, name), { recursive: true })
      for (const name of ['folder/secret', 'folder/sub/shadow', 'file', 'empty', 'kept/secret'])
        fs.writeFileSync(join(root, name), 'of the host')
      fs.symlinkSync(host.folder, join(root, 'other/lower'))
    },
    (root) => {
      const up = '../'.repeat(30)
      // In the place of a folder and of a file of the image, of the same size and content as the host's.
      fs.rmSync(join(root, 'folder'), { recursive: true })
      fs.symlinkSync(host.folder, join(root, 'folder'))
      fs.rmSync(join(root, 'file'))
      fs.symlinkSync(join(host.folder, 'secret'), join(root, 'file'))
      fs.rmSync(join(root, 'kept/secret'))
      fs.symlinkSync(join(host.folder, 'secret'), join(root, 'kept/secret'))
      // A new folder over a link of the image, and links at every level.
      fs.rmSync(join(root, 'other/lower'))
      fs.mkdirSync(join(root, 'other/lower/etc'), { recursive: true })
      fs.writeFileSync(join(root, 'other/lower/secret'), 'of the host')
      let folder = root
      for (let level = 0; level < 30; level++) {
        fs.symlinkSync(`${up}${host.folder}/etc`, join(folder, `relative${level}`))
        fs.symlinkSync(join(host.folder, 'etc/shadow'), join(folder, 'shadow'))
        folder = join(folder, 'd')
        fs.mkdirSync(folder)
      }
    },
  )
  host.events()
  const { changes, report } = await scan(layer)
  assert.equal(host.events(), 0, 'the scan opened something of the host')
  assert.deepEqual(report.unreadable, [])
  assert.equal(changes.get('/folder')?.type, 'symlink')
  assert.equal(changes.get('/folder')?.kind, 'replaced')
  assert.equal(changes.get('/file')?.kind, 'replaced')
  assert.equal([...changes.values()].filter(({ type }) => type === 'symlink').length, 63)
  for (const change of changes.values()) if (change.type === 'symlink') assert.equal(change.sha256, undefined)
})

test('a folder, and a file, that are swapped for links to the host while they are scanned lead nowhere', async () => {
  const host = watchedHost()
  const { layer, merged } = container(
    () => undefined,
    (root) => {
      for (let folder = 0; folder < 200; folder++) {
        fs.mkdirSync(join(root, `f${folder}/etc`), { recursive: true })
        fs.writeFileSync(join(root, `f${folder}/etc/shadow`), 'own')
      }
      fs.symlinkSync(host.folder, join(root, 'link'))
      fs.symlinkSync(join(host.folder, 'secret'), join(root, 'fileLink'))
    },
  )
  // Exchanges each folder and each file with a link and back, for as long as it lives.
  const swapper = new Worker(
    `const { renameSync } = require('node:fs')
     const root = ${JSON.stringify(merged)}
     const swap = (a, b) => { renameSync(a, root + '/aside'); renameSync(b, a); renameSync(root + '/aside', b) }
     require('node:worker_threads').parentPort.postMessage('begun')
     for (;;) for (let f = 0; f < 200; f++) {
       try {
         for (let twice = 0; twice < 2; twice++) swap(root + '/f' + f, root + '/link')
         for (let twice = 0; twice < 2; twice++) swap(root + '/f' + f + '/etc/shadow', root + '/fileLink')
       } catch {}
     }`,
    { eval: true },
  )
  await new Promise((resolve) => swapper.once('message', resolve))
  host.events()
  let links = 0
  for (let round = 0; round < 20; round++) {
    await scanLayer(layer, { expectation: expectNothing, hashes: true }, ({ change }) => {
      if (change.type === 'symlink' && change.path.startsWith('/f')) links++
    })
  }
  await swapper.terminate()
  assert.equal(host.events(), 0, 'the scan opened something of the host')
  assert.ok(links > 0, 'the swaps never came between the scan and its files: nothing is proved')
})

test('a pipe and a device in the place of a file are told and not opened', async () => {
  const { layer } = container(
    (root) => {
      for (const name of ['pipe', 'zero', 'tty', 'disk', 'socket'])
        fs.writeFileSync(join(root, name), 'a file')
    },
    (root) => {
      const put = (name: string, mode: number, device: number) => {
        fs.rmSync(join(root, name))
        mknod(Buffer.from(join(root, name)), mode | 0o666, device)
      }
      // Opening waits for ever, reading never ends, opening takes a terminal, opening is an error.
      put('pipe', 0o010000, 0)
      put('zero', 0o020000, 0x105)
      put('tty', 0o020000, 0x500)
      put('disk', 0o060000, 0xfffff)
      put('socket', 0o140000, 0)
      mknod(Buffer.from(join(root, 'new')), 0o010666)
    },
  )
  const { changes, report } = await scan(layer)
  assert.deepEqual([...changes].map(([path, { kind, type, was }]) => [path, kind, type, was?.type]).sort(), [
    ['/disk', 'replaced', 'block-device', 'file'],
    ['/new', 'added', 'fifo', undefined],
    ['/pipe', 'replaced', 'fifo', 'file'],
    ['/socket', 'replaced', 'socket', 'file'],
    ['/tty', 'replaced', 'character-device', 'file'],
    ['/zero', 'replaced', 'character-device', 'file'],
  ])
  assert.deepEqual(report.unreadable, [])
})

test('a terabyte of holes costs nothing to compare and is not hashed', async () => {
  const holes = (path: string) => {
    fs.writeFileSync(path, '')
    fs.truncateSync(path, 2 ** 40)
  }
  const { layer } = container(
    (root) => {
      holes(join(root, 'same'))
    },
    (root) => {
      holes(join(root, 'new'))
      // Copied up whole, holes and all.
      fs.utimesSync(join(root, 'same'), 1, 1)
    },
  )
  const { changes } = await scan(layer)
  assert.equal(changes.get('/new')?.sha256, undefined)
  assert.equal(changes.get('/same')?.kind, 'metadata')
})

test('what is put in the place of the canary is left alone and ends nothing', async () => {
  const { layer, merged } = container(
    () => undefined,
    () => undefined,
  )
  const running = canaryIn(layer)
  const [name = ''] = fs.readdirSync(merged)
  fs.rmSync(join(merged, name))
  fs.mkdirSync(join(merged, name))
  assert.equal(typeof (await running).ok, 'boolean')
  assert.deepEqual(fs.readdirSync(merged), [name])
})
