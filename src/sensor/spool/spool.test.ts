import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import type { Finding } from '../../protocol/findings.ts'
import type { NewFinding } from '../ports.ts'
import { decodeRecord, encodeRecord } from './record.ts'
import { openSpool, type Spool } from './spool.ts'

const KiB = 1024

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'paddock-spool-'))
  t.after(() => {
    rmSync(path, { recursive: true })
  })
  return path
}

function open(path: string, quotaBytes = 1024 * KiB): Spool {
  return openSpool({ folder: path, quotaBytes, segmentBytes: 32 * KiB, log: () => undefined })
}

function sample(summary: string, severity: Finding['severity'] = 'critical'): NewFinding {
  return {
    kind: 'change',
    source: 'sweep',
    severity,
    reasons: [],
    summary,
    container: null,
    group: 'x',
    count: 1,
  }
}

/** All that a reader gets from `from` on, once everything is synced. */
async function readAll(spool: Spool, from = 1): Promise<Finding[]> {
  const read = spool.reader(from)
  const findings: Finding[] = []
  while (findings.length === 0 || (findings.at(-1)?.number ?? 0) < spool.status().next - 1) {
    const records = read()
    if (records.length === 0) await sleep(2)
    for (const { json, number } of records) {
      const finding = JSON.parse(json.toString()) as Finding
      assert.equal(finding.number, number)
      findings.push(finding)
    }
  }
  return findings
}

test('a record that was torn, cut or changed anywhere is not taken for one', () => {
  const record = encodeRecord(41, '{"summary":"x"}')
  assert.equal(decodeRecord(record, 0)?.number, 41)
  for (let length = 0; length < record.length; length += 1) {
    assert.equal(decodeRecord(record.subarray(0, length), 0), null)
    const torn = Buffer.concat([record.subarray(0, length), Buffer.alloc(record.length - length)])
    assert.equal(decodeRecord(torn, 0), null)
    for (const bit of [1, 0x80]) {
      const flipped = Buffer.from(record)
      flipped[length] = (flipped[length] ?? 0) ^ bit
      assert.equal(decodeRecord(flipped, 0), null)
    }
  }
})

test('no bytes make the record decoder throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: 250 }), (bytes, start) => {
      decodeRecord(Buffer.from(bytes), start)
    }),
  )
})

test('findings come out as they went in, numbered from 1 over several lives', async (t) => {
  const path = folder(t)
  for (let life = 0; life < 3; life += 1) {
    const spool = open(path)
    for (let index = 0; index < 100; index += 1) spool.emit(sample(`life ${life} finding ${index}`))
    await spool.close()
  }
  const spool = open(path)
  const findings = await readAll(spool)
  assert.deepEqual(
    findings.map(({ number, summary }) => [number, summary]),
    Array.from({ length: 300 }, (_, index) => [
      index + 1,
      `life ${Math.floor(index / 100)} finding ${index % 100}`,
    ]),
  )
  assert.deepEqual(
    (await readAll(spool, 250)).map(({ number }) => number),
    Array.from({ length: 51 }, (_, index) => 250 + index),
  )
  await spool.close()
})

test('a sensor that ends without closing loses nothing of what it emitted', async (t) => {
  const path = folder(t)
  const before = open(path)
  for (let index = 0; index < 50; index += 1) before.emit(sample(`${index}`))
  // No sync has run yet. What a killed process leaves behind is a copy of the files, without its lock.
  const copy = folder(t)
  for (const name of readdirSync(path)) writeFileSync(join(copy, name), readFileSync(join(path, name)))
  await before.close()
  const spool = open(copy)
  assert.equal((await readAll(spool)).length, 50)
  await spool.close()
})

test('a second sensor on the same spool is refused', async (t) => {
  const path = folder(t)
  const spool = open(path)
  assert.throws(() => open(path), /another sensor has it open/)
  await spool.close()
  await open(path).close()
})

test('a torn last record is dropped, and its number used again', async (t) => {
  const path = folder(t)
  const before = open(path)
  before.emit(sample('kept'))
  before.emit(sample('torn'))
  await before.close()
  const segment = join(path, readdirSync(path).find((name) => name.endsWith('.segment')) ?? '')
  const bytes = readFileSync(segment)
  const end = bytes.lastIndexOf('\n')
  bytes.fill(0xaa, end - 20, end + 400)
  writeFileSync(segment, bytes)
  const spool = open(path)
  spool.emit(sample('next'))
  assert.deepEqual(
    (await readAll(spool)).map(({ number, summary }) => [number, summary]),
    [
      [1, 'kept'],
      [2, 'next'],
    ],
  )
  await spool.close()
})

test('what is acknowledged is let go of, numbers go on though no segment is left to tell them', async (t) => {
  const path = folder(t)
  const spool = open(path)
  for (let index = 0; index < 1000; index += 1) spool.emit(sample(`${index}`))
  await readAll(spool)
  const { sizeBytes } = spool.status()
  spool.ack(1000)
  assert.ok(spool.status().sizeBytes <= 2 * 32 * KiB && sizeBytes > 4 * 32 * KiB)
  await spool.close()
  for (const name of readdirSync(path)) if (name !== 'state') rmSync(join(path, name))
  const after = open(path)
  after.emit(sample('later'))
  assert.deepEqual(
    (await readAll(after)).map(({ number }) => number),
    [1001],
  )
  await after.close()
})

test('what nobody was given cannot be acknowledged', async (t) => {
  const spool = open(folder(t))
  spool.emit(sample('unread'))
  spool.ack(1_000_000)
  spool.emit(sample('second'))
  assert.equal((await readAll(spool)).length, 2)
  assert.equal(spool.status().acked, 0)
  spool.ack(1_000_000)
  assert.equal(spool.status().acked, 2)
  await spool.close()
})

test('a full spool tells that it loses, and with room again how much, exactly', async (t) => {
  const path = folder(t)
  let spool = open(path, 128 * KiB)
  for (let index = 0; index < 600; index += 1) spool.emit(sample(`${index}`))
  const { lost } = spool.status()
  assert.ok(lost > 0)
  // The count survives a death.
  await spool.close()
  spool = open(path, 128 * KiB)
  assert.equal(spool.status().lost, lost)
  for (let index = 0; index < 5; index += 1) spool.emit(sample('more'))

  const findings = await readAll(spool)
  const full = findings.filter(({ reasons }) => reasons.includes('spool-full'))
  assert.equal(full.length, 1)
  assert.match(full[0]?.summary ?? '', /findings are being lost since .*quota/)
  spool.ack(findings.at(-1)?.number ?? 0)
  await spool.close() // reports before it ends
  spool = open(path, 128 * KiB)
  const reports = (await readAll(spool)).filter(({ reasons }) => reasons.includes('findings-lost'))
  assert.deepEqual(
    reports.map(({ count, details }) => [count, details?.['critical']]),
    [[lost + 5, lost + 5]],
  )
  assert.equal(findings.length - full.length + (reports[0]?.count ?? 0), 605)
  assert.equal(spool.status().lost, 0)
  await spool.close()
})

test('what matters less does not keep out what matters more', async (t) => {
  const spool = open(folder(t), 320 * KiB)
  for (let index = 0; index < 3000; index += 1) spool.emit(sample(`noise ${index}`, 'low'))
  const { lost } = spool.status()
  assert.ok(lost > 0)
  spool.emit(sample('the intruder', 'critical'))
  assert.equal(spool.status().lost, lost)
  assert.equal((await readAll(spool)).at(-1)?.summary, 'the intruder')
  await spool.close()
})

test('segments that vanish are reported by how many findings they held', async (t) => {
  const path = folder(t)
  const before = open(path)
  for (let index = 0; index < 400; index += 1) before.emit(sample(`${index}`))
  await before.close()
  const [, second, third] = readdirSync(path)
    .filter((name) => name.endsWith('.segment'))
    .sort()
  rmSync(join(path, second ?? ''))
  const gone = Number(third?.slice(0, 16)) - Number(second?.slice(0, 16))
  const spool = open(path)
  const findings = await readAll(spool)
  const report = findings.at(-1)
  assert.equal(report?.reasons[0], 'findings-lost')
  assert.equal(report.count, gone)
  assert.equal(findings.length - 1 + gone, 400)
  await spool.close()
})

test('a lost or damaged state file costs nothing: the segments know the rest', async (t) => {
  const path = folder(t)
  const before = open(path)
  const { id } = before
  for (let index = 0; index < 400; index += 1) before.emit(sample(`${index}`))
  await readAll(before)
  before.ack(300)
  await before.close()
  truncateSync(join(path, 'state'), 10)
  const spool = open(path)
  assert.equal(spool.id, id)
  const findings = await readAll(spool)
  assert.equal(findings.at(-1)?.number, 400)
  assert.ok(findings.every(({ kind }) => kind === 'change'))
  await spool.close()
})

test('a segment of another spool is set aside', async (t) => {
  const [one, other] = [folder(t), folder(t)]
  for (const path of [one, other]) {
    const spool = open(path)
    for (let index = 0; index < 10; index += 1) spool.emit(sample(path))
    await spool.close()
  }
  const name = readdirSync(other).find((file) => file.endsWith('.segment')) ?? ''
  writeFileSync(join(one, '0000000000000011.segment'), readFileSync(join(other, name)))
  const spool = open(one)
  assert.ok((await readAll(spool)).every(({ summary }) => summary === one))
  await spool.close()
})

test('a finding that is none is replaced by one that says so', async (t) => {
  const spool = open(folder(t))
  spool.emit({ ...sample('x'), severity: 'awful' } as unknown as NewFinding)
  spool.emit({ ...sample('x'), count: 0 })
  const findings = await readAll(spool)
  assert.deepEqual(
    findings.map(({ reasons }) => reasons[0]),
    ['malformed-finding', 'malformed-finding'],
  )
  await spool.close()
})

test('the time of the oldest finding that is not acknowledged', async (t) => {
  const spool = open(folder(t))
  assert.equal(spool.oldestUnackedMs(), Infinity)
  spool.emit({ ...sample('first'), at: '2026-01-02T03:04:05.000Z' })
  spool.emit({ ...sample('second'), at: '2026-01-02T03:04:06.000Z' })
  assert.equal(spool.oldestUnackedMs(), Date.UTC(2026, 0, 2, 3, 4, 5))
  await readAll(spool)
  spool.ack(1)
  assert.equal(spool.oldestUnackedMs(), Date.UTC(2026, 0, 2, 3, 4, 6))
  spool.ack(2)
  assert.equal(spool.oldestUnackedMs(), Infinity)
  await spool.close()
})
