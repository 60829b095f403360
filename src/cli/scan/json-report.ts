import { pathJson } from '../../lib/byte-path.ts'
import type { Io } from '../command.ts'
import { changeJson } from './change-json.ts'
import type { ScanOutput } from './output.ts'
import { writer } from './write.ts'

/** One JSON document, written as the scan goes on: what is only known at the end stands at the end. */
export function jsonReport(io: Io): ScanOutput {
  const out = writer(io.stdout)
  const failures: { container: string | null; error: string }[] = []
  let containers = 0
  let changes = 0
  let engine = ''
  const members = (fields: object) => JSON.stringify(fields).slice(1, -1)
  return {
    async begin({ host, startedAt, engine: kind }) {
      engine = kind
      await out.write(`{${members({ version: 1, host, startedAt: startedAt.toISOString() })},"containers":[`)
    },
    async container({ id, name, image }) {
      changes = 0
      await out.write(`${containers++ === 0 ? '' : ','}{${members({ id, name, image, engine })},"changes":[`)
    },
    change(change) {
      return out.write(`${changes++ === 0 ? '' : ','}${JSON.stringify(changeJson(change))}`)
    },
    async containerEnd({ counts, unreadable, unreadableCount, layerDir, removed, unusedRules, warnings }) {
      const rest = {
        layerDir,
        counts,
        unreadable: unreadable.map(({ path, error }) => ({ ...pathJson(path), error })),
        ...(unreadableCount > unreadable.length ? { unreadableCount } : {}),
        ...(removed ? { removed } : {}),
        ...(unusedRules.length === 0
          ? {}
          : { unusedRules: unusedRules.map(({ glob, source }) => `${source.file}:${source.line} ${glob}`) }),
        ...(warnings.length === 0 ? {} : { warnings }),
      }
      await out.write(`],${members(rest)}}`)
    },
    async failure(container, error) {
      failures.push({ container: container?.name ?? null, error: error.message })
      // A container that was begun is ended, with what was seen of it.
      if (container !== null) await out.write(`],${members({ error: error.message })}}`)
    },
    async end({ canary, ok, durationMs }) {
      await out.write(`],${members({ failures, canary, durationMs, ok })}}\n`)
      await out.flush()
    },
  }
}
