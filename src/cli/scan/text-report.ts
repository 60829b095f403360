import { pathText } from '../../lib/byte-path.ts'
import { printable } from '../../lib/printable.ts'
import type { Io } from '../command.ts'
import { styleFor } from '../style.ts'
import type { ScanOutput } from './output.ts'
import { changeLine } from './text.ts'
import { writer } from './write.ts'

/** For people: a container a paragraph, a change a line, and what it comes to at the end. */
export function textReport(io: Io): ScanOutput {
  const out = writer(io.stdout)
  const style = styleFor(io.stdout, io.env)
  const tally = { containers: 0, touched: 0, unexpected: 0, failed: 0 }
  return {
    begin: () => Promise.resolve(),
    async container({ name, image }) {
      tally.containers++
      await out.write(`${style.strong(printable(name))}  ${style.dim(printable(image))}\n`)
    },
    change: (change) => out.write(changeLine(change, style)),
    async containerEnd({ counts, unreadable, unreadableCount, removed, unusedRules, warnings }) {
      tally.unexpected += counts.unexpected
      if (counts.unexpected > 0) tally.touched++
      if (counts.unexpected === 0 && unreadableCount === 0) {
        const how = counts.total === 0 ? 'nothing changed' : `${counts.total} changed, all expected`
        await out.write(`  ${style.good('clean')}     ${style.dim(how)}\n`)
      }
      for (const { path, error } of unreadable)
        await out.write(`  ${style.bad('UNREADABLE')}  ${printable(pathText(path))}: ${printable(error)}\n`)
      if (unreadableCount > unreadable.length)
        await out.write(`  … and ${unreadableCount - unreadable.length} more that could not be read\n`)
      if (removed) await out.write(`  ${style.dim('removed while it was scanned')}\n`)
      for (const { glob, source } of unusedRules)
        await out.write(
          `  ${style.dim(`expected nothing: ${printable(glob)} (${printable(source.file)}:${source.line})`)}\n`,
        )
      for (const warning of warnings) await out.write(`  ${printable(warning)}\n`)
    },
    async failure(_container, error) {
      tally.failed++
      const hint = error.hint === undefined ? '' : `; ${printable(error.hint)}`
      await out.write(`  ${style.bad('NOT SCANNED')}  ${printable(error.message)}${hint}\n`)
    },
    async end({ canary, durationMs }) {
      const found =
        tally.unexpected === 0
          ? style.good('nothing unexpected')
          : style.bad(
              `${tally.unexpected} unexpected ${tally.unexpected === 1 ? 'change' : 'changes'} in ${tally.touched}`,
            )
      const of = `${tally.containers} ${tally.containers === 1 ? 'container' : 'containers'}`
      const failed = tally.failed === 0 ? '' : style.bad(`, ${tally.failed} not scanned`)
      await out.write(
        `\n${tally.unexpected === 0 ? `${found} in ${of}` : `${found} of ${of}`}${failed} ${style.dim(`(${durationMs} ms)`)}\n`,
      )
      if (!canary.ok)
        await out.write(`${style.bad('BLIND')}  this scan cannot be trusted: ${printable(canary.error)}\n`)
      await out.flush()
    },
  }
}
