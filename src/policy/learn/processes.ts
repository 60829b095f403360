import type { BytePath } from '../../lib/byte-path.ts'
import { literalGlob } from '../literal.ts'
import type { Learnt, LearntProcess, SeenProcess } from './seen.ts'

/** Programs that do whatever their arguments say: to expect one is to expect what it was told, and no more. */
const INTERPRETER =
  /\/(?:(?:ba|da|k|z|fi|a|c|tc)?sh|busybox|python[\d.]*|perl[\d.]*|ruby[\d.]*|node|lua[\d.]*|php[\d.]*|tclsh[\d.]*|[gmn]?awk|env|xargs|find|ssh|socat|nc(?:\.\w+)?|ncat|curl|wget|openssl|tar|dd|su|sudo|setpriv|gosu|nsenter|chroot|unshare|ld-linux[\w.-]*|ld-musl[\w.-]*)$/
const SHELL = /\/(?:(?:ba|da|k|z|fi|a|c|tc)?sh|busybox)$/
const MOST_WAYS = 20
const LONGEST_ARGUMENTS = 2000

/** The lines of `processes` that these come to. */
export function generaliseProcesses(
  seen: readonly SeenProcess[],
  trustPrograms: boolean,
): Pick<Learnt, 'processes' | 'execAllow' | 'leftOut'> {
  const leftOut: { what: string; why: string }[] = []
  const kept = seen.filter((process) => {
    const why = whyNot(process, trustPrograms)
    if (why !== null) leftOut.push({ what: commandLine(process), why })
    return why === null
  })
  const strange = new Set(kept.filter(({ inImage }) => !inImage).map(({ exe }) => exe))
  const groups = Map.groupBy(kept, ({ exe, user }) => JSON.stringify([exe, user]))
  const processes = [...groups.values()].flatMap((ways) => lines(ways, leftOut))
  return {
    processes: processes.sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1)),
    execAllow: [...strange]
      .filter((exe) => exe !== null)
      .map((exe) => ({ glob: literalGlob(exe), from: 'ran, and is not in the image' })),
    leftOut,
  }
}

function whyNot({ exe, inImage, args }: SeenProcess, trustPrograms: boolean): string | null {
  if (exe === null) return 'its program is no file of the container: deleted, or never on a disk'
  if (!inImage && !trustPrograms) return 'its program is not in the image'
  if (SHELL.test(exe) && isInteractive(args)) return 'a shell without a command'
  if (INTERPRETER.test(exe) && args.length > LONGEST_ARGUMENTS) return 'its arguments are too long for a line'
  return null
}

/** Nothing but flags. */
function isInteractive(args: string): boolean {
  return args.split(' ').every((word) => word === '' || (word.startsWith('-') && !/^-\w*c/.test(word)))
}

function lines(ways: readonly SeenProcess[], leftOut: { what: string; why: string }[]): LearntProcess[] {
  const [first] = ways
  if (first?.exe === undefined || first.exe === null) return []
  if (!INTERPRETER.test(first.exe)) return [toLine(first.exe, ways, null)]
  const byArguments = [...Map.groupBy(ways, ({ args }) => argumentsGlob(args))]
  for (const [, [way]] of byArguments.slice(MOST_WAYS)) {
    if (way !== undefined)
      leftOut.push({ what: commandLine(way), why: `more than ${MOST_WAYS} ways to run it` })
  }
  const { exe } = first
  return byArguments.slice(0, MOST_WAYS).map(([args, same]) => toLine(exe, same, args))
}

/** These very arguments; numbers that are process ids, ports or times may be others. */
function argumentsGlob(args: string): string {
  return literalGlob(args as BytePath).replace(/(?<!\d)\d{4,}(?!\d)/g, '[0-9]*')
}

function toLine(exe: BytePath, ways: readonly SeenProcess[], args: string | null): LearntProcess {
  const times = ways.reduce((sum, way) => sum + way.times, 0)
  const steady = ways.some((way) => way.steady)
  const outside = ways.every(({ fromOutside }) => fromOutside)
  const facts = [
    times === 1 ? 'seen once' : `${times} seen`,
    ...(steady ? ['the whole time'] : []),
    ...(outside ? ['begun from outside, by exec or a health check'] : []),
  ]
  return {
    exe: literalGlob(exe),
    user: ways[0]?.user ?? '0',
    args,
    required: steady && !outside,
    from: facts.join(', '),
  }
}

function commandLine({ exe, args }: SeenProcess): string {
  const line = `${exe ?? '?'} ${args}`.trim()
  return Buffer.from(
    line.length > 200 ? `${line.slice(0, 200)}…`.replace('…', '...') : line,
    'latin1',
  ).toString('utf8')
}

function sortKey({ exe, user, args }: LearntProcess): string {
  return [exe, user, args ?? ''].join('\0')
}
