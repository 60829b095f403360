import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { test } from 'node:test'
import { cleanFacts, socket } from '../../../test/fixtures/audit-facts.ts'
import { containerSins } from '../../../test/fixtures/audit-container-sins.ts'
import { hostSins, inGroup, well, withContainer, withImage } from '../../../test/fixtures/audit-sins.ts'
import type { Facts } from '../facts.ts'
import { judge } from '../run.ts'
import { checks } from './table.ts'

const sins = [...hostSins, ...containerSins]

test('a clean, remapped, hardened host has not one finding', () => {
  assert.deepEqual(
    judge(cleanFacts).filter(({ status }) => status !== 'pass'),
    [],
  )
})

for (const [id, change, subject, severity] of sins) {
  test(`${id} finds ${subject} (${severity})`, () => {
    const findings = judge({ ...cleanFacts, ...change }).filter(
      (finding) => finding.id === id && finding.status === 'fail',
    )
    assert.deepEqual(
      findings.filter((finding) => finding.subject.name === subject && finding.severity === severity).length >
        0,
      true,
      JSON.stringify(findings),
    )
    assert.ok(
      findings.every(({ evidence, remedy }) => evidence !== '' && remedy !== ''),
      'evidence and remedy',
    )
  })
}

test('every check has a sin that it finds, passes on the clean host, and is one file of its own name', () => {
  const sinned = new Set([...sins.map(([id]) => id), 'rootless-daemons'])
  const passed = new Set(judge(cleanFacts).map(({ id }) => id))
  const files = readdirSync(import.meta.dirname).filter((name) => !/^table|\.test\.ts$/.test(name))
  assert.deepEqual(
    checks.filter(({ id }) => !sinned.has(id)).map(({ id }) => id),
    [],
  )
  assert.deepEqual(
    checks.filter(({ id }) => !passed.has(id)).map(({ id }) => id),
    [],
  )
  assert.deepEqual(files.sort(), checks.map(({ id }) => `${id}.ts`).sort())
  assert.ok(existsSync(`${import.meta.dirname}/table.ts`))
})

test('what could not be read is unknown, never well', () => {
  const why = 'permission denied'
  const blind = Object.fromEntries(
    Object.entries(cleanFacts).map(([name, part]) => [
      name,
      typeof part === 'object' && 'ok' in part ? { ok: false, why } : part,
    ]),
  ) as unknown as Facts
  assert.deepEqual(
    judge(blind).filter(({ status }) => status !== 'unknown'),
    [],
  )
})

test('a rootless engine of another user is told, and not judged', () => {
  const findings = judge({
    ...cleanFacts,
    rootless: well([{ user: 'alice', uid: 1000, engine: 'podman', evidence: 'process 5' }]),
  })
  assert.deepEqual(
    findings
      .filter(({ id, status }) => id === 'rootless-daemons' && status === 'unknown')
      .map(({ remedy }) => remedy),
    ['paddock audit --engine unix:///run/user/1000/podman/podman.sock'],
  )
})

test('no value of a secret is in any finding', () => {
  const secret = 'hunter2hunter2'
  const findings = judge({
    ...cleanFacts,
    ...withContainer({ env: [`DB_PASSWORD=${secret}`, `URL=postgres://user:${secret}@db/x`] }),
    ...withImage({
      env: [`TOKEN=${secret}`],
      history: [{ createdBy: `ENV SECRET=${secret}`, createdAt: '', sizeBytes: 0 }],
    }),
  })
  assert.ok(findings.some(({ id, status }) => id === 'env-secrets' && status === 'fail'))
  assert.ok(findings.some(({ id, status }) => id === 'image-secrets' && status === 'fail'))
  assert.equal(JSON.stringify(findings).includes(secret), false)
})

test('group names are compared whole: dockerhub is not docker, and a socket by another name is one', () => {
  assert.deepEqual(
    judge(cleanFacts).filter(({ id, status }) => id === 'docker-group' && status === 'fail'),
    [],
  )
  const other = { ...inGroup(300), sockets: well([socket('/opt/engine/api', { gid: 300 })]) }
  assert.deepEqual(
    judge({ ...cleanFacts, ...other })
      .filter(({ id, status }) => id === 'docker-group' && status === 'fail')
      .map(({ subject }) => subject.name),
    ['alice'],
  )
})
