import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  type Stats,
  statSync,
} from 'node:fs'
import { isUtf8 } from 'node:buffer'
import { join } from 'node:path'
import { hasCode } from '../lib/errors.ts'
import { errorsOf, type Problem } from './problem.ts'
import { type Declaration, readDeclaration } from './schema.ts'
import { readYaml } from './yaml-reader.ts'

/** One policy file, read. */
export interface PolicyFile {
  readonly path: string
  /** Null where it could not be read or has an error. */
  readonly declaration: Declaration | null
  readonly problems: readonly Problem[]
}

export interface PolicyFolder {
  readonly files: readonly PolicyFile[]
  /** Of the folder itself. */
  readonly problems: readonly Problem[]
}

/** More is no policy: 10,000 long rules are under a mebibyte. */
const LARGEST_FILE_BYTES = 2 ** 20
const MOST_FILES = 1000

/**
 * Reads a policy file, or every `*.yaml` of a folder in the order of their names.
 * @param path of a file or folder
 * @param mustExist false: that nothing is there is no problem, and nothing is declared
 */
export function readPolicies(path: string, { mustExist }: { mustExist: boolean }): PolicyFolder {
  let stats: Stats
  try {
    stats = statSync(path)
  } catch (error) {
    if (!mustExist && hasCode(error, 'ENOENT')) return { files: [], problems: [] }
    return { files: [], problems: [whole(path, 'error', `cannot be read: ${readTrouble(error)}`, null)] }
  }
  return stats.isDirectory() ? readFolder(path, stats) : { files: [readPolicyFile(path)], problems: [] }
}

function readFolder(path: string, stats: Stats): PolicyFolder {
  let names: string[]
  try {
    names = readdirSync(path).sort()
  } catch (error) {
    return { files: [], problems: [whole(path, 'error', `cannot be read: ${readTrouble(error)}`, null)] }
  }
  const wanted = names.filter((name) => name.endsWith('.yaml') && !name.startsWith('.'))
  const passed = names.filter((name) => /\.(yml|json)$/.test(name) && !name.startsWith('.'))
  if (wanted.length > MOST_FILES) {
    return {
      files: [],
      problems: [whole(path, 'error', `has more than ${MOST_FILES} policies`, 'join them')],
    }
  }
  return {
    files: wanted.map((name) => readPolicyFile(join(path, name))),
    problems: [
      ...writableByOthers(path, stats),
      ...passed.map((name) => whole(join(path, name), 'warning', 'is not read', 'give it a name in .yaml')),
    ],
  }
}

/**
 * Reads one policy file. Never throws for what is in it or for its not being there.
 * @param readText what makes a policy of its text: another for a file that holds more than a policy
 */
export function readPolicyFile(
  path: string,
  readText: (path: string, text: string) => Omit<PolicyFile, 'path'> = readPolicyText,
): PolicyFile {
  const read = readBounded(path)
  if ('problem' in read) return { path, declaration: null, problems: [read.problem] }
  const warnings = writableByOthers(path, read.stats)
  const { declaration, problems } = readText(path, read.text)
  return { path, declaration, problems: [...warnings, ...problems] }
}

/** @param path how messages and rules name it */
export function readPolicyText(path: string, text: string): PolicyFile {
  const yaml = readYaml(path, text)
  if (yaml.root === null) {
    const problems =
      yaml.problems.length > 0
        ? yaml.problems
        : [whole(path, 'error', 'is empty', 'write match and expect, or delete it')]
    return { path, declaration: null, problems }
  }
  const declaration = readDeclaration(yaml, path, yaml.root, null)
  return {
    path,
    declaration: errorsOf(yaml.problems).length > 0 ? null : declaration,
    problems: yaml.problems,
  }
}

function readBounded(path: string): { text: string; stats: Stats } | { problem: Problem } {
  const refuse = (message: string, hint: string | null = null) => ({
    problem: whole(path, 'error', message, hint),
  })
  let file: number
  try {
    // A FIFO must not hold whoever loads policies.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  } catch (error) {
    return refuse(`cannot be read: ${readTrouble(error)}`)
  }
  try {
    const stats = fstatSync(file)
    if (stats.isDirectory()) return refuse('is a folder', 'a policy is a file')
    if (!stats.isFile()) return refuse('is no regular file', 'a policy is a file')
    const bytes = Buffer.alloc(LARGEST_FILE_BYTES + 1)
    let length = 0
    while (length < bytes.length) {
      const count = readSync(file, bytes, length, bytes.length - length, null)
      if (count === 0) break
      length += count
    }
    if (length > LARGEST_FILE_BYTES)
      return refuse('is larger than 1 MiB', 'split it, or join rules by patterns')
    const content = bytes.subarray(0, length)
    if (!isUtf8(content)) return refuse('is not UTF-8', 'save it as UTF-8')
    return { text: content.toString('utf8'), stats }
  } catch (error) {
    return refuse(`cannot be read: ${readTrouble(error)}`)
  } finally {
    closeSync(file)
  }
}

/** Who can write a policy can hide what he does: root alone, or whoever runs this. */
function writableByOthers(path: string, stats: Stats): Problem[] {
  const own = process.geteuid?.() ?? 0
  if (stats.uid !== 0 && stats.uid !== own)
    return [whole(path, 'warning', `belongs to user ${stats.uid}, who can change it`, 'chown root it')]
  if ((stats.mode & 0o022) !== 0)
    return [whole(path, 'warning', 'can be written by others than its owner', 'chmod go-w it')]
  return []
}

function whole(file: string, level: Problem['level'], message: string, hint: string | null): Problem {
  return { level, file, line: null, column: null, message, hint }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ELOOP: 'its symbolic links go round in a circle',
  ENOTDIR: 'a part of the path is no folder',
}

/** Why something could not be read, for people. @throws the error where the system did not make it */
export function readTrouble(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) throw error
  return REASONS[String(error.code)] ?? String(error.code)
}
