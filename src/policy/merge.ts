import { type BytePath, bytePathFromText } from '../lib/byte-path.ts'
import type { ExecMode, Policy, ProcessRule } from './policy.ts'
import type { Declaration, Match } from './schema.ts'

/** What is expected of one container by all that speaks of it, in that order. */
export function mergePolicy(declarations: readonly Declaration[], exec: ExecMode = 'alert'): Policy {
  const processes = declarations.map((one) => one.processes).filter((rules) => rules !== null)
  return {
    expect: declarations.flatMap((one) => one.expect),
    processes: processes.length === 0 ? null : processes.flat<(readonly ProcessRule[])[]>(),
    // To forbid is stronger: nothing that is said elsewhere lifts it.
    exec: declarations.some((one) => one.exec === 'deny')
      ? 'deny'
      : (declarations.find((one) => one.exec !== null)?.exec ?? exec),
    execAllow: declarations.flatMap((one) => one.execAllow),
  }
}

/**
 * Whether a declaration speaks of a container.
 * @param name without the leading slash
 * @param image the reference it was started from
 */
export function speaksOf({ container, image: pattern }: Match, name: string, image: string): boolean {
  if (container !== null && !container.matches(bytePathFromText(name))) return false
  if (pattern === null) return true
  return spellings(image).some((spelling) => {
    const path = `/${bytePathFromText(spelling)}` as BytePath
    return pattern.matchesPath(path).length > 0
  })
}

/** Docker says "nginx" of what Podman calls "docker.io/library/nginx:latest". */
function spellings(image: string): readonly string[] {
  const tagged = /[:@][^/]*$/.test(image) ? image : `${image}:latest`
  const short = tagged.replace(/^(?:docker\.io\/(?:library\/)?|localhost\/)/, '')
  return [...new Set([image, tagged, short])]
}
