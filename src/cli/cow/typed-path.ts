import { type BytePath, bytePath, bytePathFromText } from '../../lib/byte-path.ts'
import { UserError } from '../../lib/errors.ts'

/** What `--base64` says in a command's help. */
export const base64Option = {
  type: 'boolean',
  help: "PATH is the base64 of its bytes, JSON's pathBase64: for names that are not UTF-8",
} as const

/** NAME_MAX of every filesystem that an engine keeps layers on. */
const LONGEST_NAME_BYTES = 255

/**
 * A path inside the container, as it was typed.
 * @throws UserError where it cannot be one
 */
export function typedPath(typed: string, isBase64: boolean): BytePath {
  const path = isBase64 ? bytePath(Buffer.from(typed, 'base64')) : bytePathFromText(typed)
  if (!path.startsWith('/')) {
    throw new UserError(`'${typed}' is no path inside the container: it does not begin with '/'`, {
      hint: isBase64 ? 'copy pathBase64 as it stands' : `write '/${typed}'`,
    })
  }
  const names = path.split('/').filter((name) => name !== '')
  if (names.includes('.') || names.includes('..') || path.includes('\0')) {
    throw new UserError(`'${typed}' is no plain path`, { hint: "write it without '.' and '..'" })
  }
  const long = names.find((name) => name.length > LONGEST_NAME_BYTES)
  if (long !== undefined)
    throw new UserError(
      `'${typed.slice(0, 40)}…' is no path: no name has more than ${LONGEST_NAME_BYTES} bytes`,
    )
  return `/${names.join('/')}` as BytePath
}
