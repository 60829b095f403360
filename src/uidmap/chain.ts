import { readlinkSync } from 'node:fs'
import { type BytePath, bytePathFromText, joinPath, pathBytes, pathText } from '../lib/byte-path.ts'
import { hasCode, UserError } from '../lib/errors.ts'
import { type Inode } from './access.ts'
import { inodeOf, openEntry, openRoot, release, statOf } from './handle.ts'

/** One folder on the way to a mount's source. */
export interface ChainLink {
  readonly path: BytePath
  readonly inode: Inode
}

/** A mount's source, open, and the folders above it. */
export interface Chain extends Disposable {
  /** Links followed; from "/" on, without the source itself. */
  readonly above: readonly ChainLink[]
  /** Links followed. */
  readonly path: BytePath
  /** Opened as a name only; closed with the chain. */
  readonly fd: number
}

interface Step {
  readonly path: BytePath
  readonly fd: number
  readonly inode: Inode
}

const MAX_LINKS = 40
const STICKY_OR_SHARED = 0o022

/**
 * Opens a path of the host name by name. A symbolic link is followed only where root alone can have put it there: in
 * a tree that containers write to, a link may lead anywhere by the time it is used.
 * @throws a UserError that names the component where it ends
 */
export function openChain(source: string): Chain {
  const steps: Step[] = []
  const pending = bytePathFromText(source).split('/').toReversed()
  let links = 0
  try {
    push(steps, { path: '/' as BytePath, fd: openRoot() })
    while (pending.length > 0) {
      const name = pending.pop() ?? ''
      if (name === '' || name === '.') continue
      if (name === '..') {
        if (steps.length > 1) release(steps.pop()?.fd ?? -1)
        continue
      }
      const folder = steps.at(-1) as Step
      const path = joinPath(folder.path, name)
      const fd = openEntry(folder.fd, name as BytePath)
      if (!statOf(fd).isSymbolicLink()) {
        push(steps, { path, fd })
        continue
      }
      const trusted = inodeOf(fd).uid === 0 && onlyRootWrites(folder.inode)
      release(fd)
      if (!trusted || ++links > MAX_LINKS) throw untrusted(source, path, links)
      const target = readlinkSync(pathBytes(`/proc/self/fd/${folder.fd}/${name}` as BytePath), 'latin1')
      if (target.startsWith('/')) for (const { fd: above } of steps.splice(1)) release(above)
      pending.push(...target.split('/').toReversed())
    }
  } catch (error) {
    for (const { fd } of steps) release(fd)
    throw explained(source, error)
  }
  const last = steps.pop() as Step
  for (const { fd } of steps) release(fd)
  return {
    above: steps,
    path: last.path,
    fd: last.fd,
    [Symbol.dispose]: () => {
      release(last.fd)
    },
  }
}

function push(steps: Step[], { path, fd }: { path: BytePath; fd: number }): void {
  steps.push({ path, fd, inode: inodeOf(fd) })
}

function onlyRootWrites({ uid, mode, acl }: Inode): boolean {
  return uid === 0 && (mode & STICKY_OR_SHARED) === 0 && acl === null
}

function untrusted(source: string, path: BytePath, links: number): UserError {
  if (links > MAX_LINKS)
    return new UserError(`cannot go to ${source}: more than ${MAX_LINKS} symbolic links on the way`)
  return new UserError(
    `cannot go to ${source}: ${pathText(path)} is a symbolic link that others than root can change`,
    { hint: 'mount the folder that it leads to' },
  )
}

function explained(source: string, error: unknown): unknown {
  if (hasCode(error, 'ENOENT'))
    return new UserError(`cannot go to ${source}: there is no such path`, { cause: error })
  if (!hasCode(error, 'ENOTDIR', 'EACCES', 'ELOOP', 'EIO', 'ESTALE', 'ENAMETOOLONG')) return error
  const why = error.message.replace(/^\w+: /, '').replace(/, \w+ '.*$/s, '')
  return new UserError(`cannot go to ${source}: ${why}`, { cause: error })
}
