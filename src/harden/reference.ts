import { UserError } from '../lib/errors.ts'

const REFERENCE =
  /^[a-z0-9]+([._-]+[a-z0-9]+)*(:\d{1,5})?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[A-Za-z0-9_][\w.-]{0,127})?$/

/** A name for a new image, with its tag (distribution/reference grammar, without digests). */
export function newReference(text: string): string {
  if (!REFERENCE.test(text)) {
    throw new UserError(`cannot name the new image '${text}': it is not a name with a tag`, {
      hint: 'name it like web:hardened, in small letters',
    })
  }
  return text.slice(text.lastIndexOf('/') + 1).includes(':') ? text : `${text}:latest`
}
