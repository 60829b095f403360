import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadPolicies, policyOf } from '../policy/store.ts'
import { readComposeText } from './declaration.ts'
import { instanceOf, type InstanceKind } from './instance.ts'
import { policyText } from './policy-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'paddock-policy-'))
after(() => rmSync(folder, { recursive: true }))
const herd = { dir: '/srv/herd', id: 'herd-3fa2c1' }

test('the policy of a service speaks of its own instance alone, however alike their names are', () => {
  const instances = ['web', 'web-admin', 'web-prod', 'web-dev'].flatMap((service) =>
    (['prod', 'dev', 'test'] satisfies InstanceKind[]).map((kind) =>
      instanceOf(herd, service, kind, '/state'),
    ),
  )
  for (const instance of instances) {
    const { service, kind, project } = instance
    const text = `services: { ${service}: { image: x } }\nx-paddock: { expect: [/${service}/${kind}] }\n`
    const declared = { name: service, dir: '/', composePath: '/compose.yaml', ...readComposeText('/x', text) }
    writeFileSync(join(folder, `${project}.yaml`), policyText(declared, instance))
  }
  const policies = loadPolicies(folder, { mustExist: true })
  for (const { service, kind, project } of instances) {
    // The second as compose names one that replaces it.
    for (const name of [`${project}-${service}-1`, `0123456789ab_${project}-${service}-1`]) {
      const { policy } = policyOf({ name, image: 'x', labels: {} }, null, policies)
      assert.deepEqual(
        policy.expect.map(({ glob }) => glob),
        [`/${service}/${kind}`],
        name,
      )
    }
  }
})
