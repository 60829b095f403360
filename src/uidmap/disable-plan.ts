import { isMappedAccount, isMappedGroup, parseGroup, parsePasswd, removeLines } from './accounts.ts'
import { removeKey, setKey } from './daemon-json.ts'
import type { FileEdit } from './file-edit.ts'
import { type Host, readHostFile } from './host.ts'
import { configuredRemap, type HostFiles } from './host-files.ts'
import { bytesBefore, type EnableRecord, type RecordedFile, sha256 } from './record.ts'

/** Which files `disable` changes, and what it leaves. */
export interface DisablePlan {
  /** In the order in which they are carried out: the engine's own file first. */
  readonly edits: readonly FileEdit[]
  readonly notes: readonly string[]
}

/** The way back: what `enable` recorded, byte for byte where nobody else wrote since, else only what it added. */
export function planDisable(host: Host, files: HostFiles): DisablePlan {
  const { record } = files
  if (record === null) return withoutRecord(host, files)
  const notes: string[] = []
  const edits = record.files.toReversed().flatMap((file) => {
    const current = readHostFile(host, file.path)
    const own = withoutNames(file.path, current)
    const before = bytesBefore(host, file)
    if (own === before) return edit(file.path, current, before)
    if (own !== null && sha256(own) === file.writtenSha256) return edit(file.path, current, before)
    notes.push(`${host.root}${file.path} was changed by others since: only what enable added is taken away`)
    return edit(file.path, current, withoutOurs(record, file, own))
  })
  return { edits: [...edits, ...namesElsewhere(host, record)], notes }
}

function edit(path: string, before: string | null, after: string | null): FileEdit[] {
  return before === after ? [] : [{ path, before, after, mode: 0o644 }]
}

function withoutOurs(record: EnableRecord, file: RecordedFile, current: string | null): string | null {
  if (current === null) return null
  if (file.path !== record.daemonJson) return removeLines(current, (line) => file.addedLines.includes(line))
  return record.valueBefore === null
    ? removeKey(current, 'userns-remap')
    : setKey(current, 'userns-remap', record.valueBefore)
}

/** The entries of `paddock uidmap names` go as well: without the mapping they name nobody. */
export function withoutNames(path: string, text: string | null): string | null {
  if (text === null) return null
  if (path === '/etc/passwd') return removeLines(text, (line) => parsePasswd(line).some(isMappedAccount))
  if (path === '/etc/group') return removeLines(text, (line) => parseGroup(line).some(isMappedGroup))
  return text
}

/** Names in files that enable had nothing to add to. */
function namesElsewhere(host: Host, record: EnableRecord): FileEdit[] {
  return ['/etc/group', '/etc/passwd']
    .filter((path) => !record.files.some((file) => file.path === path))
    .flatMap((path) => {
      const current = readHostFile(host, path)
      return edit(path, current, withoutNames(path, current))
    })
}

function withoutRecord(host: Host, files: HostFiles): DisablePlan {
  const { path, text } = files.daemonJson
  if (configuredRemap(host, files) === null) return { edits: [], notes: [] }
  return {
    edits: edit(path, text, removeKey(text ?? '', 'userns-remap')),
    notes: [
      "Paddock did not turn this remapping on: the user and its ranges stay, only the engine's setting goes",
    ],
  }
}
