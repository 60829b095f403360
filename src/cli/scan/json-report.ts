import { pathJson } from '../../lib/byte-path.ts'
import { changeJson } from './change-json.ts'
import type { ScanOutput } from './output.ts'

/** One JSON document: what is only known at the end stands at the end. */
export function jsonReport(): ScanOutput {
  let engine = ''
  const members = (fields: object) => JSON.stringify(fields).slice(1, -1)
  return {
    separator: ',',
    begin({ host, startedAt, engine: kind }) {
      engine = kind
      return `{${members({ version: 1, host, startedAt: startedAt.toISOString() })},"containers":[`
    },
    container({ id, name, image }) {
      let changes = 0
      return {
        begin: `{${members({ id, name, image, engine })},"changes":[`,
        change: (change) => `${changes++ === 0 ? '' : ','}${changeJson(change)}`,
        end({ counts, unreadable, unreadableCount, layerDir, removed, unusedRules, warnings }) {
          const rest = {
            layerDir,
            counts,
            unreadable: unreadable.map(({ path, error }) => ({ ...pathJson(path), error })),
            ...(unreadableCount > unreadable.length ? { unreadableCount } : {}),
            ...(removed ? { removed } : {}),
            ...(unusedRules.length === 0
              ? {}
              : {
                  unusedRules: unusedRules.map(({ glob, source }) => `${source.file}:${source.line} ${glob}`),
                }),
            ...(warnings.length === 0 ? {} : { warnings }),
          }
          return `],${members(rest)}}`
        },
        failure: (error) => `],${members({ error: error.message })}}`,
      }
    },
    failure: () => '',
    end({ canary, ok, durationMs, outcomes }) {
      const failures = outcomes.flatMap(({ name, failure }) =>
        failure === null ? [] : [{ container: name, error: failure.message }],
      )
      return `],${members({ failures, canary, durationMs, ok })}}\n`
    },
  }
}
