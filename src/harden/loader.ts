import type { Elf } from './elf.ts'
import { readContent, resolve, type TreeNode } from './image-tree.ts'

/** Where the dynamic loader of an image looks, beyond what a program names itself (ld.so(8); musl's ldso/dynlink.c). */
export interface LibraryFolders {
  readonly folders: readonly string[]
  /** LD_LIBRARY_PATH and LD_PRELOAD of the image's environment. */
  readonly first: readonly string[]
  readonly preload: readonly string[]
}

const ALWAYS = ['/lib', '/usr/lib', '/lib64', '/usr/lib64', '/usr/local/lib', '/lib32', '/usr/lib32']

export function libraryFolders(root: TreeNode, env: readonly string[]): LibraryFolders {
  const value = (name: string) =>
    env.findLast((line) => line.startsWith(`${name}=`))?.slice(name.length + 1) ?? ''
  const multiarch = ['/lib', '/usr/lib', '/usr/local/lib'].flatMap((folder) =>
    [...(resolve(root, folder).node?.children() ?? [])]
      .map(({ name }) => name)
      .filter((name) => /^[a-z0-9_]+-linux-(gnu|musl)[a-z0-9]*$/.test(name))
      .map((name) => `${folder}/${name}`),
  )
  const folders = [...configured(root, '/etc/ld.so.conf', 0), ...muslFolders(root), ...multiarch, ...ALWAYS]
  return {
    folders: [...new Set(folders)],
    first: value('LD_LIBRARY_PATH')
      .split(':')
      .filter((folder) => folder.startsWith('/')),
    preload: value('LD_PRELOAD')
      .split(/[: ]/)
      .filter((path) => path !== ''),
  }
}

function configured(root: TreeNode, path: string, depth: number): string[] {
  const node = resolve(root, path).node
  if (node === null || depth > 4) return []
  const lines = readContent(node.inode, 64 * 1024)
    .toString('latin1')
    .split('\n')
  return lines.flatMap((line) => {
    const plain = line.replace(/#.*/, '').trim()
    const included = /^include\s+(.*)$/.exec(plain)?.[1]
    if (included === undefined) return plain.startsWith('/') ? [plain] : []
    const at = included.lastIndexOf('/')
    const folder = included.startsWith('/')
      ? included.slice(0, at)
      : `/etc/${included.slice(0, Math.max(0, at))}`
    const pattern = included.slice(at + 1)
    const names = [...(resolve(root, folder).node?.children() ?? [])].map(({ name }) => name)
    const [before = '', after] = pattern.split('*')
    const matches = (name: string) =>
      after === undefined ? name === pattern : name.startsWith(before) && name.endsWith(after)
    return names.filter(matches).flatMap((name) => configured(root, `${folder}/${name}`, depth + 1))
  })
}

function muslFolders(root: TreeNode): string[] {
  const etc = resolve(root, '/etc').node
  return [...(etc?.children() ?? [])]
    .filter(({ name }) => /^ld-musl-.*\.path$/.test(name))
    .flatMap(({ inode }) =>
      readContent(inode, 64 * 1024)
        .toString('latin1')
        .split(/[:\n]/),
    )
    .filter((folder) => folder.startsWith('/'))
}

/**
 * The paths at which the loader would look for the libraries of one file, per library in its order.
 * @param origin the folder the file lies in
 * @param inherited DT_RPATH of what loads it
 */
export function libraryCandidates(
  elf: Elf,
  origin: string,
  inherited: readonly string[],
  { folders, first }: LibraryFolders,
): { readonly name: string; readonly paths: readonly string[] }[] {
  const expand = (folder: string) => folder.replace(/\$\{?ORIGIN\}?/g, origin).replace(/\$\{?LIB\}?/g, 'lib')
  // DT_RPATH counts only where there is no DT_RUNPATH; a folder too many does no harm here.
  const search = [...elf.rpath, ...inherited, ...first, ...elf.runpath, ...folders].map(expand)
  return elf.needed.map((name) => ({
    name,
    paths: name.includes('/') ? [name] : search.map((folder) => `${folder}/${name}`),
  }))
}
