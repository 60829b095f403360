import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { hasCode, UserError } from '../../lib/errors.ts'
import { accounts } from './host.ts'
import { type Step, stepText } from './plan.ts'

/** Does one step in the tree below `root`. @throws UserError when it cannot be done; what was done before it stays */
export function applyStep(step: Step, root: string): void {
  try {
    doStep(step, root)
  } catch (error) {
    if (!(error instanceof Error) || error instanceof UserError) throw error
    const command =
      hasCode(error, 'ENOENT') && 'path' in error
        ? `there is no program ${String(error.path)}`
        : error.message
    throw new UserError(`cannot ${stepText(step)}: ${command.split('\n')[0] ?? ''}`, {
      hint: 'what was done so far stays; mend it and do it again',
      cause: error,
    })
  }
}

function doStep(step: Step, root: string): void {
  switch (step.kind) {
    case 'group':
      run(['groupadd', '--system', ...prefix(root), step.name])
      break
    case 'user':
      run([
        'useradd',
        '--system',
        '--no-create-home',
        '--home-dir=/nonexistent',
        '--shell=/usr/sbin/nologin',
        `--gid=${step.name}`,
        ...prefix(root),
        step.name,
      ])
      break
    case 'no-user':
      run(['userdel', ...prefix(root), step.name])
      break
    case 'no-group':
      // userdel takes a user's own group along.
      if (accounts(root, 'etc/group').has(step.name)) run(['groupdel', ...prefix(root), step.name])
      break
    case 'folder': {
      const path = join(root, step.path)
      mkdirSync(path, { recursive: true })
      chownSync(path, idOf(root, 'etc/passwd', step.owner), idOf(root, 'etc/group', step.group))
      chmodSync(path, step.mode)
      break
    }
    case 'file': {
      const path = join(root, step.path)
      mkdirSync(dirname(path), { recursive: true })
      // Whole or not at all, and never through a link.
      writeFileSync(`${path}.new`, step.text, { mode: 0o644, flag: 'wx' })
      renameSync(`${path}.new`, path)
      break
    }
    case 'remove':
      remove(join(root, step.path), step.isFolder)
      break
    case 'run':
      run(step.argv)
      break
  }
}

/** A folder that is a filesystem of its own is emptied, and stays. */
function remove(path: string, isFolder: boolean): void {
  if (!isFolder) {
    rmSync(path)
    return
  }
  for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true })
  try {
    rmdirSync(path)
  } catch (error) {
    if (!hasCode(error, 'EBUSY')) throw error
  }
}

/** For a tree other than the host's own: its files of accounts. */
function prefix(root: string): string[] {
  return root === '/' ? [] : ['--prefix', root]
}

function run([program = '', ...args]: readonly string[]): void {
  execFileSync(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
  })
}

function idOf(root: string, file: string, name: string): number {
  const id = accounts(root, file).get(name)
  if (id === undefined) throw new UserError(`cannot give a folder to ${name}: /${file} has no such name`)
  return id
}
