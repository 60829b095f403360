import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { UserError } from '../lib/errors.ts'
import { configFor, type ImageConfig, object, parseConfig } from './image-config.ts'
import { newRoot, pathOf, type TreeNode, walk } from './image-tree.ts'
import { mergeLayer } from './merge-layer.ts'
import { openSpool, type Spool } from './spool.ts'
import { refuse } from './tar-header.ts'
import { readTar, type TarEntry } from './tar-read.ts'
import { END, padding, tarHeader } from './tar-write.ts'

/*
 * Why a tar reader and writer of our own: the one well-kept library (tar-stream 3) hands every byte of every file through
 * JavaScript streams, where hardening needs the headers and leaves contents where they lie; it knows neither what an image
 * may not hold nor how to write the same bytes for the same tree. Both together are 250 lines.
 */

/** An image as it lies in nameless files, ready to be looked at. */
export interface TakenImage {
  readonly config: ImageConfig
  /** One tree of files, all layers laid over each other; each call gives a new one. */
  readonly tree: () => TreeNode
  readonly close: () => void
}

interface Layer {
  readonly spool: Spool
  readonly offset: number
  readonly sizeBytes: number
}

const MOST_CONFIG_BYTES = 8 * 1024 * 1024
const MOST_UNPACKED_BYTES = 256 * 1024 ** 3

/**
 * Takes in an image as engines save it: one pass into a nameless file, then headers only.
 * @param saved what `docker save` gives
 */
export async function takeIn(saved: AsyncIterable<Buffer>): Promise<TakenImage> {
  const outer = openSpool()
  const spools = [outer]
  try {
    for await (const piece of saved) outer.append(piece)
    const entries = indexOf(outer)
    const manifest = manifestOf(outer, entries)
    const config = parseConfig(contentOf(outer, follow(entries, manifest.config)))
    const layers: Layer[] = []
    for (const layer of manifest.layers) layers.push(await unpacked(outer, follow(entries, layer), spools))
    return { config, tree: () => merge(layers), close }
  } catch (error) {
    close()
    throw error
  }

  function close(): void {
    for (const spool of spools) spool.close()
  }
}

function merge(layers: readonly Layer[]): TreeNode {
  const root = newRoot()
  for (const [number, layer] of layers.entries()) mergeLayer(root, number, layer)
  return root
}

function indexOf(outer: Spool): ReadonlyMap<string, TarEntry> {
  const entries = new Map<string, TarEntry>()
  for (const entry of readTar(outer, 0, outer.sizeBytes()))
    entries.set(entry.name.replace(/^\.\//, ''), entry)
  return entries
}

/** Layers that are the same are links to each other, in the archive's own folder. */
function follow(entries: ReadonlyMap<string, TarEntry>, name: string): TarEntry {
  let at = name
  for (let hops = 0; hops < 8; hops++) {
    const entry = entries.get(at)
    if (entry?.type === 'file') return entry
    if (entry?.type === 'hard-link') at = entry.linkName
    else if (entry?.type === 'symlink') at = new URL(entry.linkName, `file:///${at}`).pathname.slice(1)
    else break
  }
  throw refuse(`'${name}', which its manifest names, is not in it`)
}

function contentOf(outer: Spool, entry: TarEntry): Buffer {
  if (entry.sizeBytes > MOST_CONFIG_BYTES) throw refuse('its configuration is longer than 8 MiB')
  return outer.read(entry.offset, entry.sizeBytes)
}

function manifestOf(
  outer: Spool,
  entries: ReadonlyMap<string, TarEntry>,
): { config: string; layers: readonly string[] } {
  let list: unknown
  try {
    list = JSON.parse(contentOf(outer, follow(entries, 'manifest.json')).toString('utf8'))
  } catch (error) {
    if (error instanceof SyntaxError) throw refuse('its manifest is not JSON')
    throw error
  }
  const first = object(Array.isArray(list) ? list[0] : null)
  const { Config: config, Layers: layers } = first
  if (
    typeof config !== 'string' ||
    !Array.isArray(layers) ||
    !layers.every((layer) => typeof layer === 'string')
  )
    throw refuse('its manifest names no layers')
  return { config, layers }
}

/** A layer's plain tar: where it lies, or a spool of its own where it is compressed. */
async function unpacked(outer: Spool, entry: TarEntry, spools: Spool[]): Promise<Layer> {
  const { offset, sizeBytes } = entry
  const magic = outer.read(offset, 4).toString('hex')
  const unpack = magic.startsWith('1f8b')
    ? createGunzip()
    : magic === '28b52ffd'
      ? createZstdDecompress()
      : null
  if (unpack === null) return { spool: outer, offset, sizeBytes }
  const spool = openSpool()
  spools.push(spool)
  const packed = Readable.from(pieces(outer, offset, sizeBytes))
  packed.on('error', (error) => unpack.destroy(error))
  try {
    for await (const piece of packed.pipe(unpack) as AsyncIterable<Buffer>) {
      spool.append(piece)
      if (spool.sizeBytes() > MOST_UNPACKED_BYTES) throw refuse('a layer unpacks to more than 256 GiB')
    }
  } catch (error) {
    if (error instanceof UserError) throw error
    throw refuse('a layer cannot be decompressed')
  }
  return { spool, offset: 0, sizeBytes: spool.sizeBytes() }
}

const PIECE_BYTES = 64 * 1024

function* pieces(spool: Spool, offset: number, sizeBytes: number): Generator<Buffer> {
  for (let done = 0; done < sizeBytes; done += PIECE_BYTES)
    yield spool.read(offset + done, Math.min(PIECE_BYTES, sizeBytes - done))
}

/** An image ready to be loaded, and what will name it. */
export interface OutgoingImage {
  /** "sha256:…" of its configuration: the image's id in engines without the containerd store. */
  readonly id: string
  readonly tar: () => Readable
  readonly close: () => void
}

/** Writes the tree as one layer: the same tree and configuration always give the same bytes. */
export function makeImage(root: TreeNode, config: ImageConfig, reference: string): OutgoingImage {
  const layer = openSpool()
  const hash = createHash('sha256')
  for (const piece of layerPieces(root)) {
    hash.update(piece)
    layer.append(piece)
  }
  const diffId = hash.digest('hex')
  const configBytes = configFor(config, `sha256:${diffId}`)
  const id = createHash('sha256').update(configBytes).digest('hex')
  const manifest = [{ Config: `${id}.json`, RepoTags: [reference], Layers: [`${diffId}/layer.tar`] }]
  const small = (name: string, bytes: Buffer) => [
    fileHeader(name, bytes.length),
    bytes,
    padding(bytes.length),
  ]
  function* archive(): Generator<Buffer> {
    yield* small(`${id}.json`, configBytes)
    yield fileHeader(`${diffId}/layer.tar`, layer.sizeBytes())
    yield* pieces(layer, 0, layer.sizeBytes())
    yield padding(layer.sizeBytes())
    yield* small('manifest.json', Buffer.from(JSON.stringify(manifest)))
    yield END
  }
  return {
    id: `sha256:${id}`,
    tar: () => Readable.from(archive()),
    close: () => {
      layer.close()
    },
  }
}

const PLAIN = { linkName: '', mode: 0o644, uid: 0, gid: 0, mtime: '0', major: 0, minor: 0, xattrs: new Map() }

function fileHeader(name: string, sizeBytes: number): Buffer {
  return tarHeader({ ...PLAIN, type: 'file', name, sizeBytes })
}

function* layerPieces(root: TreeNode): Generator<Buffer> {
  /** The first name of each file with several, by its inode's id. */
  const written = new Map<number, TreeNode>()
  for (const node of walk(root)) {
    const { inode } = node
    const { type, mode, uid, gid, mtime, major, minor, sizeBytes, content } = inode
    const common = { mode, uid, gid, mtime, major, minor }
    const path = pathOf(node).slice(1)
    const first = inode.isLinked ? written.get(inode.id) : undefined
    if (first !== undefined) {
      const linkName = pathOf(first).slice(1)
      yield tarHeader({ ...common, type: 'hard-link', name: path, linkName, sizeBytes: 0, xattrs: new Map() })
      continue
    }
    if (inode.isLinked) written.set(inode.id, node)
    const name = path === '' ? './' : type === 'directory' ? `${path}/` : path
    yield tarHeader({ ...common, type, name, linkName: inode.target, sizeBytes, xattrs: inode.xattrs })
    if (content === null) continue
    if ('bytes' in content) yield content.bytes
    else yield* pieces(content.spool, content.offset, sizeBytes)
    yield padding(sizeBytes)
  }
  yield END
}
