import fs from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import type { Layer } from '../../../src/cow/change.ts'
import { mountOverlay, setXattr, unmount } from './kernel-calls.ts'
import { type Operation, operation, perform } from './operations.ts'

/** How the overlay is mounted: what an engine may choose. */
const mountOptions = [
  '',
  'redirect_dir=on',
  'redirect_dir=on',
  'redirect_dir=on,metacopy=on',
  'redirect_dir=on,metacopy=on',
  'redirect_dir=on,metacopy=on',
  'index=on',
  'userxattr',
  'redirect_dir=nofollow',
] as const

/** Layers, each made by operations on an overlay over those before it; the last is the container's. */
export interface Sequence {
  readonly options: (typeof mountOptions)[number]
  readonly layers: readonly (readonly Operation[])[]
  /** Whether the lower layers get their whiteouts in the second form. */
  readonly xattrWhiteouts: boolean
}

export const sequence: fc.Arbitrary<Sequence> = fc.record({
  options: fc.constantFrom(...mountOptions),
  layers: fc.array(fc.array(operation, { maxLength: 24, size: 'max' }), {
    minLength: 1,
    maxLength: 3,
    size: 'max',
  }),
  xattrWhiteouts: fc.boolean(),
})

export interface Mounted {
  readonly layer: Layer
  /** Where the container's view is mounted, and the image's. */
  readonly merged: string
  readonly image: string
}

/** Makes the layers in `home`, mounts both views, and gives them to `use`; unmounts whatever happens. */
export async function withMounted(
  home: string,
  { options, layers, xattrWhiteouts }: Sequence,
  use: (mounted: Mounted) => Promise<void>,
): Promise<void> {
  const own = (name: string) => join(home, name)
  const nothing = own('nothing')
  for (const name of ['nothing', 'merged', 'image']) fs.mkdirSync(own(name))
  // `volatile`: without it each unmounting syncs the whole disk.
  const extra = `${options === '' ? '' : `,${options}`},volatile`
  const prefix = options === 'userxattr' ? 'user.overlay.' : 'trusted.overlay.'
  makeBase(own('base'))
  let lowers = [own('base'), nothing]
  for (const [index, operations] of layers.entries()) {
    const [upper, work] = [own(`layer${String(index)}`), own(`work${String(index)}`)]
    fs.mkdirSync(upper)
    fs.mkdirSync(work)
    mountOverlay(own('merged'), `lowerdir=${lowers.join(':')},upperdir=${upper},workdir=${work}${extra}`)
    try {
      for (const each of operations) perform(own('merged'), each)
      if (index === layers.length - 1) {
        await withImage(home, lowers, options, async () => {
          const layer: Layer = { upper, lowers, dataLowers: [], merged: null, xattrPrefix: prefix }
          await use({ layer, merged: own('merged'), image: own('image') })
        })
      }
    } finally {
      unmount(own('merged'))
    }
    if (xattrWhiteouts) toXattrWhiteouts(upper, prefix)
    lowers = [upper, ...lowers]
  }
}

/** The lowest layer, full enough for operations to find what they work on. */
function makeBase(folder: string): void {
  const make = (path: string, depth: number) => {
    fs.mkdirSync(Buffer.from(path, 'latin1'))
    for (const name of ['a', 'b', '\xff\xfe']) {
      if (depth < 2) make(`${path}/${name}`, depth + 1)
      else fs.writeFileSync(Buffer.from(`${path}/${name}`, 'latin1'), `content of ${name}`)
    }
    fs.writeFileSync(Buffer.from(`${path}/c`, 'latin1'), 'some longer content')
    fs.symlinkSync('c', Buffer.from(`${path}/d\ne`, 'latin1'))
  }
  make(folder, 0)
}

const MS_RDONLY = 1

/** The image's view: the lower layers alone. */
async function withImage(
  home: string,
  lowers: readonly string[],
  options: string,
  use: () => Promise<void>,
): Promise<void> {
  const image = join(home, 'image')
  const below = lowers.length === 1 ? [join(home, 'nothing'), ...lowers] : lowers
  // Without a layer directory the kernel follows redirects and metacopy, but takes no `index`.
  const extra =
    options === '' || options === 'index=on'
      ? ''
      : `,${options.replace('redirect_dir=on', 'redirect_dir=follow')}`
  mountOverlay(image, `lowerdir=${below.join(':')}${extra}`, MS_RDONLY)
  try {
    await use()
  } finally {
    unmount(image)
  }
}

/** Turns every whiteout of a layer into an empty file with an xattr, in a directory marked for that. */
function toXattrWhiteouts(folder: string, prefix: string): void {
  const visit = (path: Buffer) => {
    const names = fs
      .readdirSync(path, { encoding: 'buffer' })
      .map((name) => Buffer.concat([path, Buffer.from('/'), name]))
    for (const name of names) {
      const stat = fs.lstatSync(name)
      if (stat.isDirectory()) visit(name)
      if (!stat.isCharacterDevice() || stat.rdev !== 0) continue
      fs.unlinkSync(name)
      fs.writeFileSync(name, '')
      setXattr(name, `${prefix}whiteout`, Buffer.from('y'))
      markForWhiteouts(path, prefix)
      // The kernel looks for the mark on the layer's root too, to know that it must look at all.
      markForWhiteouts(Buffer.from(folder), prefix)
    }
  }
  visit(Buffer.from(folder))
}

/** A directory that hides what is below it needs no whiteouts, and keeps its mark. */
function markForWhiteouts(path: Buffer, prefix: string): void {
  try {
    setXattr(path, `${prefix}opaque`, Buffer.from('x'), 1)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}
