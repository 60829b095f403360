import { makeImage, takeIn } from './image-stream.ts'
import { pathOf, readContent, type TreeNode, walk } from './image-tree.ts'
import { END, type OutgoingEntry, padding, tarHeader } from './tar-write.ts'

export interface FileSpec extends Partial<OutgoingEntry> {
  readonly name: string
  readonly content?: string | Buffer
}

/** A tar of these entries; a Buffer among them stands there as it is. */
export function tarOf(entries: readonly (FileSpec | Buffer)[]): Buffer {
  const parts = entries.flatMap((entry) => {
    if (Buffer.isBuffer(entry)) return [entry]
    const content = Buffer.from(entry.content ?? '')
    const usual = {
      linkName: '',
      mode: 0o644,
      uid: 0,
      gid: 0,
      mtime: '1700000000',
      major: 0,
      minor: 0,
      xattrs: new Map(),
    }
    return [
      tarHeader({ ...usual, type: 'file', sizeBytes: content.length, ...entry }),
      content,
      padding(content.length),
    ]
  })
  return Buffer.concat([...parts, END])
}

/** What `docker save` would give for an image of these layers. */
export function savedImage(layers: readonly Buffer[], config: object = {}): Buffer {
  const names = layers.map((_, index) => `l${index}/layer.tar`)
  const document = { architecture: 'amd64', os: 'linux', created: '2026-01-01T00:00:00Z', config }
  return tarOf([
    ...layers.map((content, index) => ({ name: names[index] ?? '', content })),
    { name: 'config.json', content: JSON.stringify(document) },
    {
      name: 'manifest.json',
      content: JSON.stringify([{ Config: 'config.json', RepoTags: ['x:1'], Layers: names }]),
    },
  ])
}

export async function taken(layers: readonly (readonly (FileSpec | Buffer)[])[], config: object = {}) {
  return takeIn(stream(savedImage(layers.map(tarOf), config)))
}

/** One piece after the other, cut where no header ends. */
export async function* stream(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 1000) yield await Promise.resolve(bytes.subarray(at, at + 1000))
}

/** All of a tree in short: "/etc/passwd file 0644 0:0 root:x". */
export function listing(root: TreeNode): string[] {
  return [...walk(root)].slice(1).map((node) => {
    const { type, mode, uid, gid, target } = node.inode
    const what = type === 'symlink' ? `-> ${target}` : readContent(node.inode, 100).toString('latin1')
    return `${pathOf(node)} ${type} ${mode.toString(8).padStart(4, '0')} ${uid}:${gid} ${what}`.trim()
  })
}

/** The bytes that would be loaded into an engine. */
export async function outgoing(root: TreeNode, image: Awaited<ReturnType<typeof takeIn>>): Promise<Buffer> {
  const made = makeImage(root, image.config, 'new:1')
  const chunks: Buffer[] = []
  for await (const chunk of made.tar() as AsyncIterable<Buffer>) chunks.push(chunk)
  made.close()
  return Buffer.concat(chunks)
}
