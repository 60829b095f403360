/**
 * How much time judging takes: `node bench/policy.ts`, of the processor, which others on the machine do not lengthen.
 * 200,000 paths against policies of 1,000 rules, among them patterns and names made to be slow, beside what one
 * regular expression a rule (picomatch) takes for the same answers.
 */
import picomatch from 'picomatch'
import type { Change } from '../src/cow/change.ts'
import { type BytePath, bytePathFromText } from '../src/lib/byte-path.ts'
import { compilePolicy } from '../src/policy/judge.ts'
import type { Policy } from '../src/policy/policy.ts'
import { assess } from '../src/policy/severity.ts'

const PATHS = 200_000
const RULES = 1000
/** Peers get fewer paths, and their time is scaled up: theirs grows with the number of paths alone. */
const PEER_PATHS = 1000

interface Case {
  readonly name: string
  readonly rule: (index: number) => string
  readonly path: (index: number) => string
  /** A pattern as a peer would have to be given it takes minutes. */
  readonly tooSlowForPeers?: boolean
}

const long = 'a'.repeat(250)

const cases: readonly Case[] = [
  {
    name: '1,000 folders, each path in one of them',
    rule: (index) => `/var/lib/app${index}/**`,
    path: (index) => `/var/lib/app${index % RULES}/d${index % 50}/file${index}`,
  },
  {
    name: '1,000 folders, no path in any',
    rule: (index) => `/var/lib/app${index}/**`,
    path: (index) => `/srv/d${Math.floor(index / 200)}/file${index}`,
  },
  {
    name: '1,000 endings in every folder, none met',
    rule: (index) => `**/*.x${index}`,
    path: (index) => `/srv/d${Math.floor(index / 200)}/file${index}.log`,
  },
  {
    name: '1,000 parts of names, none met',
    rule: (index) => `/srv/**/*part${index}-*`,
    path: (index) => `/srv/d${Math.floor(index / 200)}/a-part-of-file-${index}`,
  },
  {
    name: '1,000 hostile patterns, many stars',
    rule: (index) => `/t/**/${'*a'.repeat(20)}*b${index}*`,
    path: (index) => `/t/d${Math.floor(index / 200)}/${index}${'ab'.repeat(20)}`,
    tooSlowForPeers: true,
  },
  {
    name: '10 hostile patterns, hostile names of 255 bytes',
    rule: (index) => (index < 10 ? `/t/**/${'*a'.repeat(20)}*b${index}*a*` : `/var/lib/app${index}/**`),
    path: (index) => `/t/d${Math.floor(index / 200)}/${long}${index % 100}`,
    tooSlowForPeers: true,
  },
  {
    name: '20 patterns of many **, paths 100 deep',
    rule: (index) => (index < 20 ? `${'**/a/'.repeat(30)}b${index}` : `/var/lib/app${index}/**`),
    path: (index) => `${'/a'.repeat(100)}/d${Math.floor(index / 200)}/x${index}`,
    tooSlowForPeers: true,
  },
]

function policyOf(rule: (index: number) => string): Policy {
  const expect = Array.from({ length: RULES }, (_, index) => ({
    glob: rule(index),
    kinds: null,
    maxSizeBytes: null,
    source: { file: 'bench', line: index + 1 },
  }))
  return { expect, processes: null, exec: 'alert', execAllow: [] }
}

function timed<T>(work: () => T): { ms: number; result: T } {
  const start = process.cpuUsage()
  const result = work()
  return { ms: process.cpuUsage(start).user / 1000, result }
}

function judgeAll(policy: Policy, paths: readonly BytePath[]): number {
  const judge = compilePolicy(policy)
  let expected = 0
  for (const path of paths) if (judge.judge({ path, kind: 'added', sizeBytes: 1 }).expected) expected++
  return expected
}

function matchAll(policy: Policy, paths: readonly string[]): number {
  const patterns = policy.expect.map(({ glob }) =>
    picomatch.makeRe(glob, { dot: true, nobrace: true, noextglob: true }),
  )
  let expected = 0
  for (const path of paths) if (patterns.some((pattern) => pattern.test(path))) expected++
  return expected
}

const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
console.log(row(['200,000 paths against', 'expected', 'Paddock', 'a regular expression a rule']))
console.log(row(['---', '---:', '---:', '---:']))
for (const { name, rule, path, tooSlowForPeers } of cases) {
  const policy = policyOf(rule)
  const paths = Array.from({ length: PATHS }, (_, index) => bytePathFromText(path(index)))
  const own = timed(() => judgeAll(policy, paths))
  const peer =
    tooSlowForPeers === true
      ? 'does not end'
      : `${Math.round((timed(() => matchAll(policy, paths.slice(0, PEER_PATHS))).ms * PATHS) / PEER_PATHS)} ms`
  console.log(row([name, String(own.result), `${Math.round(own.ms)} ms`, peer]))
}

const changes = Array.from({ length: PATHS }, (_, index): Change => {
  const now = {
    type: 'file',
    mode: 0o100644,
    uid: 0,
    gid: 0,
    sizeBytes: 1,
    mtimeNs: 1n,
    inode: 1n,
    device: 1,
    links: 1,
    rdev: 0,
  } as const
  const path = bytePathFromText(`/srv/d${Math.floor(index / 200)}/file${index}.log`)
  return { path, kind: 'added', type: 'file', now, was: null, xattrs: [], fileCapabilities: false }
})
const assessed = timed(() => changes.reduce((sum, change) => sum + assess(change).reasons.length, 0))
console.log(row(['severity of 200,000 unexpected changes', '', `${Math.round(assessed.ms)} ms`, '']))
