import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { bytePathFromText } from '../../lib/byte-path.ts'
import type { EvidenceMeta, EvidenceRef, NewFinding } from '../ports.ts'
import { type Evidence, type EvidenceOptions, openEvidence } from './evidence.ts'

const MiB = 1024 * 1024

const meta: EvidenceMeta = {
  containerId: 'ab'.repeat(32),
  path: bytePathFromText('/tmp/.x'),
  mode: 0o100755,
  uid: 0,
  gid: 0,
  mtimeNs: 1n,
}

function open(t: TestContext, options: Partial<EvidenceOptions> = {}) {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'paddock-evidence-'))
  t.after(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  const findings: NewFinding[] = []
  const evidence = openEvidence({
    quotaBytes: 64 * MiB,
    sink: { emit: (finding) => findings.push(finding) },
    spareSinceMs: () => Infinity,
    ...options,
    folder: join(folder, 'evidence'),
  })
  return { folder, evidence, findings }
}

function keepFile(evidence: Evidence, path: string, flags: number = constants.O_RDONLY): EvidenceRef | null {
  const fd = openSync(path, flags)
  try {
    return evidence.keep(fd, meta)
  } finally {
    closeSync(fd)
  }
}

function keepBytes(evidence: Evidence, folder: string, bytes: Uint8Array | string): EvidenceRef | null {
  const path = join(folder, 'dropped')
  writeFileSync(path, bytes)
  return keepFile(evidence, path)
}

const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex')

test('the bytes of a file that is gone already are kept, readable by root alone, never executable', async (t) => {
  const { folder, evidence } = open(t)
  const path = join(folder, 'dropped')
  writeFileSync(path, 'the program', { mode: 0o6755 })
  const fd = openSync(path, 'r')
  unlinkSync(path)
  readSync(fd, Buffer.alloc(4), 0, 4, null)
  const kept = evidence.keep(fd, meta)
  const rest = Buffer.alloc(100)
  assert.equal(rest.toString('utf8', 0, readSync(fd, rest, 0, 100, null)), 'program', 'its offset was moved')
  closeSync(fd)

  const hash = sha256('the program')
  assert.deepEqual(kept, { sha256: hash, sizeBytes: 11, truncated: false })
  const content = join(folder, 'evidence', hash.slice(0, 2), hash)
  assert.equal(readFileSync(content, 'utf8'), 'the program')
  assert.equal(statSync(content).mode & 0o7777, 0o400)
  assert.equal(statSync(`${content}.json`).mode & 0o7777, 0o400)
  assert.equal(statSync(join(folder, 'evidence')).mode & 0o7777, 0o700)
  const metadata = JSON.parse(readFileSync(`${content}.json`, 'utf8')) as { sightings: unknown[] }
  assert.equal(metadata.sightings.length, 1)
  assert.deepEqual(evidence.read(hash, 4, 3), { sizeBytes: 11, bytes: Buffer.from('pro') })
  assert.deepEqual(evidence.read(hash, 400, 3), { sizeBytes: 11, bytes: Buffer.from('') })
  assert.equal(evidence.read('00'.repeat(32), 0, 3), null)
  assert.equal(evidence.read('../../../../etc/passwd', 0, 3), null)
  await evidence.close()
})

test('the same content is kept once, with each place that it was seen at', async (t) => {
  const { folder, evidence } = open(t)
  const hash = keepBytes(evidence, folder, 'same')?.sha256 ?? ''
  for (const name of ['/a', '/b', '/b']) {
    const fd = openSync(join(folder, 'dropped'), 'r')
    evidence.keep(fd, { ...meta, path: bytePathFromText(name) })
    closeSync(fd)
  }
  assert.equal(evidence.status().files, 1)
  const metadata = JSON.parse(
    readFileSync(join(folder, 'evidence', hash.slice(0, 2), `${hash}.json`), 'utf8'),
  ) as { sightings: { path: { path: string } }[] }
  assert.deepEqual(
    metadata.sightings.map(({ path }) => path.path),
    ['/tmp/.x', '/a', '/b'],
  )
  await evidence.close()
})

test('a FIFO, a folder and a device are neither waited for nor read', async (t) => {
  const { folder, evidence, findings } = open(t)
  const fifo = join(folder, 'fifo')
  execFileSync('mkfifo', [fifo])
  assert.equal(keepFile(evidence, fifo, constants.O_RDWR | constants.O_NONBLOCK), null)
  assert.equal(keepFile(evidence, folder), null)
  assert.equal(keepFile(evidence, '/dev/zero'), null)
  assert.deepEqual(findings, [])
  await evidence.close()
})

test('of a sparse terabyte the first 32 MiB are kept', async (t) => {
  const { folder, evidence } = open(t)
  const path = join(folder, 'sparse')
  writeFileSync(path, 'head')
  truncateSync(path, 2 ** 40)
  const expected = Buffer.alloc(32 * MiB)
  expected.write('head')
  assert.deepEqual(keepFile(evidence, path), {
    sha256: sha256(expected),
    sizeBytes: 32 * MiB,
    truncated: true,
  })
  truncateSync(path, 32 * MiB)
  assert.deepEqual(keepFile(evidence, path), {
    sha256: sha256(expected),
    sizeBytes: 32 * MiB,
    truncated: false,
  })
  await evidence.close()
})

test('the quota drops the oldest, not what is pinned, and says so', async (t) => {
  const { folder, evidence, findings } = open(t, { quotaBytes: 11 * MiB })
  const hashes: string[] = []
  for (let index = 0; index < 4; index += 1) {
    hashes.push(keepBytes(evidence, folder, Buffer.alloc(2 * MiB, index))?.sha256 ?? '')
  }
  const [oldest = '', second = '', third = ''] = hashes
  assert.equal(evidence.pin([oldest, 'ff'.repeat(32)]), 1)
  assert.ok(keepBytes(evidence, folder, Buffer.alloc(4 * MiB, 9)))
  const there = (hash: string) => evidence.read(hash, 0, 1) !== null
  assert.deepEqual([oldest, second, third].map(there), [true, false, true])
  assert.deepEqual(
    findings.map(({ reasons, count }) => [reasons[0], count]),
    [['evidence-dropped', 1]],
  )
  assert.deepEqual(
    readdirSync(join(folder, 'evidence', second.slice(0, 2))).filter((name) => name.startsWith(second)),
    [],
  )
  await evidence.close()
})

test('where only pinned evidence is left, new evidence is refused and a finding says so', async (t) => {
  const { folder, evidence, findings } = open(t, { quotaBytes: 3 * MiB })
  const hash = keepBytes(evidence, folder, Buffer.alloc(2 * MiB, 1))?.sha256 ?? ''
  evidence.pin([hash])
  assert.equal(keepBytes(evidence, folder, Buffer.alloc(2 * MiB, 2)), null)
  assert.equal(keepBytes(evidence, folder, Buffer.alloc(2 * MiB, 3)), null)
  assert.deepEqual(
    findings.map(({ reasons }) => reasons[0]),
    ['evidence-quota'],
  )
  assert.equal(evidence.unpin([hash]), 1)
  assert.ok(keepBytes(evidence, folder, Buffer.alloc(2 * MiB, 2)))
  await evidence.close()
  assert.equal(
    findings.find(({ reasons, count }) => reasons[0] === 'evidence-quota' && count === 1)?.count,
    1,
  )
})

test('a flood does not wash out what watch has not heard of yet', async (t) => {
  const since = Date.now()
  let spareSince = since
  const { folder, evidence } = open(t, { quotaBytes: 3 * MiB, spareSinceMs: () => spareSince })
  const payload = keepBytes(evidence, folder, Buffer.alloc(2 * MiB, 1))?.sha256 ?? ''
  for (let index = 0; index < 10; index += 1) keepBytes(evidence, folder, Buffer.alloc(2 * MiB, 10 + index))
  assert.ok(evidence.read(payload, 0, 1))
  spareSince = Infinity
  assert.ok(keepBytes(evidence, folder, Buffer.alloc(2 * MiB, 99)))
  assert.equal(evidence.read(payload, 0, 1), null)
  await evidence.close()
})

test('the next life finds what the last one kept and pinned, and removes what it left unfinished', async (t) => {
  const first = open(t, { quotaBytes: 5 * MiB })
  const { folder } = first
  const pinned = keepBytes(first.evidence, folder, Buffer.alloc(2 * MiB, 1))?.sha256 ?? ''
  await sleep(5)
  const loose = keepBytes(first.evidence, folder, Buffer.alloc(2 * MiB, 2))?.sha256 ?? ''
  first.evidence.pin([pinned])
  const { sizeBytes } = first.evidence.status()
  await first.evidence.close()
  const lone = join(folder, 'evidence', pinned.slice(0, 2), 'cd'.repeat(32))
  writeFileSync(lone, 'renamed, but its metadata never came')
  writeFileSync(join(folder, 'evidence', 'unfinished', 'x'), 'torn')
  writeFileSync(join(folder, 'evidence', 'pins', 'ef'.repeat(32)), '')

  const { evidence, findings } = open(t, { folder, quotaBytes: 5 * MiB })
  assert.deepEqual(evidence.status(), { files: 2, sizeBytes, quotaBytes: 5 * MiB, pinned: 1, dropped: 0 })
  assert.throws(() => statSync(lone), { code: 'ENOENT' })
  assert.deepEqual(readdirSync(join(folder, 'evidence', 'unfinished')), [])
  assert.deepEqual(readdirSync(join(folder, 'evidence', 'pins')), [pinned])
  assert.ok(keepBytes(evidence, folder, Buffer.alloc(2 * MiB, 3)))
  assert.equal(evidence.read(loose, 0, 1), null)
  assert.ok(evidence.read(pinned, 0, 1))
  assert.equal(findings.length, 1)
  await evidence.close()
})

test('what cannot be written is told, and leaves nothing behind', async (t) => {
  const { folder, evidence, findings } = open(t)
  rmSync(join(folder, 'evidence', 'unfinished'), { recursive: true })
  assert.equal(keepBytes(evidence, folder, 'x'), null)
  assert.equal(findings[0]?.reasons[0], 'evidence-not-kept')
  assert.match(findings[0].summary, /ENOENT: no such file or directory$/)
  await evidence.close()
})

test('when copying takes too much of the time, only the heads of files are kept', async (t) => {
  const { folder, evidence } = open(t, { copyTime: { burstMs: 0.001, share: 0 } })
  const whole = keepBytes(evidence, folder, Buffer.alloc(MiB, 1))
  assert.equal(whole?.truncated, false)
  const head = keepBytes(evidence, folder, Buffer.alloc(MiB, 2))
  assert.deepEqual(head, {
    sha256: sha256(Buffer.alloc(64 * 1024, 2)),
    sizeBytes: 64 * 1024,
    truncated: true,
  })
  await evidence.close()
})
