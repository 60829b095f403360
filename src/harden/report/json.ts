import { pathJson, type BytePath } from '../../lib/byte-path.ts'
import type { RuleResult } from '../apply.ts'
import type { HardenResult } from '../harden.ts'
import type { Proof } from '../prove.ts'
import type { VerifyResult } from '../verify.ts'
import { keepLine } from './keep-line.ts'

/** `paddock harden --json` (docs/json.md). */
export function hardenJson(result: HardenResult): string {
  const { rules, kept, test, ...rest } = result
  const document = {
    version: 1,
    ...rest,
    rules: rules.map(ruleJson),
    test: test === null ? null : testJson(test),
    kept: kept.map(({ path, why }) => ({ ...pathJson(path as BytePath), why: text(why) })),
  }
  return `${JSON.stringify(document)}\n`
}

function testJson({ missing, ...rest }: Proof) {
  const keep = missing.length === 0 ? null : keepLine(missing)
  return { ...rest, missing: missing.map((path) => pathJson(path as BytePath)), keep }
}

/** `paddock harden --verify --json` (docs/json.md). */
export function verifyJson(result: VerifyResult): string {
  return `${JSON.stringify({ version: 1, ...result, rules: result.rules.map(ruleJson) })}\n`
}

function ruleJson({ rule, on, deeds }: RuleResult) {
  return {
    ...{ id: rule.id, title: rule.title, reason: rule.reason, on },
    entries: deeds.reduce((sum, { entries }) => sum + entries, 0),
    sizeBytes: deeds.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    changes: deeds.map(({ path, did, change, entries, sizeBytes }) => ({
      ...pathJson(path as BytePath),
      ...{ did, change: text(change), entries, sizeBytes },
    })),
  }
}

function text(bytes: string): string {
  // Arrows are ours; all else is bytes.
  return bytes
    .split('→')
    .map((part) => Buffer.from(part, 'latin1').toString('utf8'))
    .join('→')
}
