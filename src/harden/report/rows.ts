import type { Census } from '../census.ts'
import { sizeText } from './sizes.ts'

/** What is compared before and after, in the order of reports. */
export function comparison(
  before: Census,
  after: Census,
): readonly (readonly [name: string, before: string, after: string])[] {
  const count = (pick: (census: Census) => number) => [String(pick(before)), String(pick(after))] as const
  const list = (pick: (census: Census) => readonly string[]) =>
    [names(pick(before)), names(pick(after))] as const
  return [
    ['size', sizeText(before.sizeBytes), sizeText(after.sizeBytes)],
    ['entries', ...count(({ entries }) => entries)],
    ['files', ...count(({ files }) => files)],
    ['programs', ...count(({ programs }) => programs)],
    ['setuid and setgid files', ...count(({ setuid }) => setuid)],
    ['writable by everybody', ...count(({ worldWritable }) => worldWritable)],
    ['accounts', ...count(({ accounts }) => accounts.length)],
    ['login shells', ...count(({ loginShells }) => loginShells.length)],
    ['shells', ...list(({ shells }) => shells)],
    ['package managers', ...list(({ packageManagers }) => packageManagers)],
    ['interpreters', ...list(({ interpreters }) => interpreters)],
    ['network tools', ...list(({ networkTools }) => networkTools)],
  ]
}

function names(paths: readonly string[]): string {
  const short = [...new Set(paths.map((path) => path.slice(path.lastIndexOf('/') + 1)))]
  if (short.length === 0) return 'none'
  return short.length <= 6 ? short.join(', ') : `${short.slice(0, 5).join(', ')} and ${short.length - 5} more`
}
