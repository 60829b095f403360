import { type Check, daemonSubject, quoted, type Subject, verdict, type Verdict, withPart } from '../check.ts'
import type { DaemonFile, Group } from '../facts.ts'

export const check: Check = {
  id: 'daemon-files',
  cis: '3',
  area: 'daemon',
  severity: 'high',
  title: 'Only root can change the files that the engine obeys, and its sockets are closed to others',
  flaw: 'Others than root can change what the engine obeys',
  why: 'Who writes the unit, the configuration, the program or the socket of the engine tells root what to do.',
  fixable: true,
  judge: (facts) =>
    withPart(facts.files, daemonSubject(facts), (files) => {
      const groups = facts.people.ok ? facts.people.value.groups : []
      return files.flatMap((file) => [...judgeOwner(file, groups), ...judgeMode(file), ...judgeFolders(file)])
    }),
}

function judgeOwner(file: DaemonFile, groups: readonly Group[]): Verdict[] {
  const group =
    groups.find(({ gid }) => gid === file.gid)?.name ?? (file.gid === 0 ? 'root' : String(file.gid))
  // An owning group matters only where it is given something.
  const harmlessGroup =
    (file.mode & 0o070) === 0 ||
    (file.type !== 'socket' && (file.mode & 0o020) === 0 && !/key/.test(file.role))
  const well = file.uid === 0 && (file.ownerGroups.includes(group) || harmlessGroup)
  return [
    {
      ...verdict(
        subject(file),
        well
          ? null
          : {
              evidence: `${file.role} belongs to ${file.uid}:${group}, not to root`,
              severity: file.uid === 0 ? 'medium' : 'high',
              remedy: `chown root:${file.ownerGroups.at(-1) ?? 'root'} ${quoted(file.path)}`,
              details: [`owner ${file.uid}:${group}`],
            },
      ),
      cis: file.cisOwner,
    },
  ]
}

function judgeMode(file: DaemonFile): Verdict[] {
  const excess = file.mode & ~file.maxMode & 0o777
  const mode = file.mode.toString(8).padStart(4, '0')
  const writable = (excess & 0o022) !== 0
  return [
    {
      ...verdict(
        subject(file),
        excess === 0
          ? null
          : {
              evidence: `${file.role} has mode ${mode}; at most ${file.maxMode.toString(8).padStart(4, '0')} is meant`,
              severity:
                (excess & 0o002) !== 0 && file.type !== 'other'
                  ? 'critical'
                  : writable
                    ? 'high'
                    : /key/.test(file.role)
                      ? 'high'
                      : 'low',
              remedy: `chmod ${file.maxMode.toString(8).padStart(4, '0')} ${quoted(file.path)}`,
              details: [`mode ${mode}`],
            },
      ),
      cis: file.cisMode,
    },
  ]
}

function judgeFolders(file: DaemonFile): Verdict[] {
  const open = file.parents.filter(
    ({ mode, uid }) => uid !== 0 || ((mode & 0o022) !== 0 && (mode & 0o1000) === 0),
  )
  if (open.length === 0) return []
  return [
    verdict(subject(file), {
      evidence: `${open.map(({ path, mode, uid }) => `${path} (mode ${mode.toString(8).padStart(4, '0')}, owner ${uid})`).join(', ')} lets others replace it`,
      severity: 'high',
      remedy: `chown root:root ${open.map(({ path }) => quoted(path)).join(' ')} && chmod go-w ${open.map(({ path }) => quoted(path)).join(' ')}`,
      details: open.map(({ path }) => `folder ${path}`),
    }),
  ]
}

function subject(file: DaemonFile): Subject {
  return { kind: 'host', name: file.path }
}
