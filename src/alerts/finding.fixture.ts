import type { Finding, ProcessRef } from '../protocol/findings.ts'

export const WEB_ID = 'a'.repeat(64)

/** A finding of the container `web`: a new program that a shell wrote. */
export function finding(number: number, change: Partial<Finding> = {}): Finding {
  return {
    version: 1,
    number,
    at: new Date(1_800_000_000_000 + number * 1000).toISOString(),
    kind: 'change',
    source: 'fanotify',
    severity: 'high',
    reasons: ['executable'],
    summary: `a new program /tmp/x${number}`,
    container: { id: WEB_ID, name: 'web', image: 'herd/web:live', engine: 'docker' },
    group: 'web tree 100',
    count: 1,
    path: { path: `/tmp/x${number}` },
    change: {
      kind: 'added',
      type: 'file',
      now: { mode: '100755', uid: 0, gid: 0, size: 64, sha256: 'b'.repeat(64) },
      was: null,
    },
    ...change,
  }
}

/** The n-th process of a container. */
export function process(pid: number, command: string, parentPid = 1): ProcessRef {
  return {
    pid,
    startTicks: pid * 10,
    parentPid,
    command,
    exe: { path: `/bin/${command}` },
    argv: [command],
    uid: 0,
    uidInside: 0,
  }
}

/** Nothing of these has anything in common: each is an alert of its own. */
export function unrelated(number: number, change: Partial<Finding> = {}): Finding {
  return finding(number, {
    group: `group ${number}`,
    byExec: false,
    processes: [process(1000 + number, 'sh'), process(1, 'init', 0)],
    ...change,
  })
}
