import { printable } from '../../lib/printable.ts'
import type { RuleResult } from '../apply.ts'
import type { HardenResult } from '../harden.ts'
import type { VerifyResult } from '../verify.ts'
import type { WeakSpot } from '../weak-spots.ts'
import { comparison } from './rows.ts'
import { keepLine, quoted } from './keep-line.ts'
import { shown, sizeText } from './sizes.ts'

/** What `paddock harden` prints: before and after, what each rule did, what is left that is weak. */
export function hardenText(result: HardenResult): string {
  const { image, tag, imageId, before, after, rules, weakSpots, unusedKeep } = result
  const rows = comparison(before, after).map(
    ([name, was, now]) => `  ${name.padEnd(25)}${was.padEnd(24)} → ${now}`,
  )
  return [
    `${printable(image)} → ${printable(tag)} (${imageId?.slice(0, 19) ?? 'not made: the test failed'})`,
    '',
    ...rows,
    '',
    ...rules.filter(({ on }) => on).map(ruleLine),
    ...proof(result),
    ...spots(weakSpots),
    ...unusedKeep.map((glob) => `--keep ${printable(glob)} names nothing in this image`),
    '',
  ].join('\n')
}

/** What `paddock harden --verify` prints: every finding. */
export function verifyText({ image, rules, weakSpots, ok }: VerifyResult): string {
  const found = rules.filter(({ deeds }) => deeds.length > 0)
  const lines = found.flatMap(({ rule, deeds }) => [
    `${rule.id}: ${rule.title}, because ${rule.reason}`,
    ...deeds.map(
      ({ path, did, change }) =>
        `  ${shown(path)} ${did === 'removed' ? 'would go' : `would change: ${shown(change)}`}`,
    ),
  ])
  const end = ok
    ? `${printable(image)}: the rules find nothing`
    : `${printable(image)}: ${found.length} rules find something`
  return [...lines, ...spots(weakSpots), end, ''].join('\n')
}

function proof({ test, healed, tag }: HardenResult): string[] {
  if (test === null) return []
  const steps = test.steps.map(
    ({ what, ok, said }) => `  ${ok ? 'passed' : 'FAILED'}  ${printable(what)}: ${printable(said)}`,
  )
  const source = test.sourceOk === false ? ['  the image fails this test before hardening too'] : []
  const how = test.foundBy === 'tried' ? ' (found by putting back what was taken away)' : ''
  const missing = test.missing.map((path) => `  missed  ${shown(path)}${how}`)
  const offer =
    test.ok || test.missing.length === 0 ? [] : [`  try     ${keepLine(test.missing)}`, '  or      --heal']
  const kept =
    healed.length === 0 ? [] : [`  healed  ${healed.map((glob) => `--keep ${quoted(glob)}`).join(' ')}`]
  const end = test.ok ? [] : [`  ${printable(tag)} was not made`]
  return ['', 'Test on the hardened image:', ...steps, ...source, ...missing, ...offer, ...kept, ...end]
}

function ruleLine({ rule, deeds }: RuleResult): string {
  const removed = deeds.filter(({ did }) => did === 'removed')
  const entries = removed.reduce((sum, deed) => sum + deed.entries, 0)
  const size = removed.reduce((sum, deed) => sum + deed.sizeBytes, 0)
  const changed = deeds.length - removed.length
  const parts = [
    ...(entries === 0 ? [] : [`${entries} gone, ${sizeText(size)}`]),
    ...(changed === 0 ? [] : [`${changed} changed`]),
  ]
  return `  ${rule.id.padEnd(25)}${parts.length === 0 ? 'nothing to do' : parts.join(', ')}`
}

function spots(weakSpots: readonly WeakSpot[]): string[] {
  if (weakSpots.length === 0) return []
  return ['', 'What is still weak:', ...weakSpots.map(({ text, subjects }) => `  ${few(subjects)}: ${text}`)]
}

function few(subjects: readonly string[]): string {
  const first = subjects.slice(0, 5).map(printable).join(', ')
  return subjects.length > 5 ? `${first} and ${subjects.length - 5} more` : first
}
