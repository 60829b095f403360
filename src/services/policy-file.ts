import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { hasCode, UserError } from '../lib/errors.ts'
import type { Service } from './declaration.ts'
import type { Host } from './host.ts'
import type { Instance } from './instance.ts'
import { writeWhole } from './record.ts'

/**
 * What the sensor is to expect of an instance's containers, in the grammar of policy.d. One that replaces another is made
 * under a name of the moment (`lastingName`), and starts right after it got its own: it is meant under both.
 */
export function policyText(service: Service, instance: Instance): string {
  const declared = service.policy?.values ?? {}
  return (
    `# Written by 'paddock up' from ${JSON.stringify(service.composePath)}; taken away by 'paddock down'. Change it there.\n` +
    stringify({ match: { container: `*${instance.project}-*` }, ...declared })
  )
}

function policyPath(host: Host, instance: Instance): string {
  return join(host.policyDir, `${instance.project}.yaml`)
}

/** Before the containers start, so that the sensor knows them from their first instruction. */
export function writePolicy(host: Host, instance: Instance, text: string): void {
  const path = policyPath(host, instance)
  try {
    mkdirSync(host.policyDir, { recursive: true, mode: 0o755 })
  } catch (error) {
    if (!hasCode(error, 'EACCES', 'EPERM', 'EROFS')) throw error
    throw new UserError(`cannot write the policy ${path}: permission denied`, {
      hint: 'run it as root, or name another folder with PADDOCK_CONFIG_DIR',
      cause: error,
    })
  }
  writeWhole(path, text, 0o644)
}

/** Services of the herd that have one, of whichever instance. */
export function servicesWithPolicy({ policyDir, herd }: Host): readonly string[] {
  if (!existsSync(policyDir)) return []
  return readdirSync(policyDir)
    .filter((file) => file.startsWith(`${herd.id}_`) && file.endsWith('.yaml'))
    .map((file) => file.slice(`${herd.id}_`.length).replace(/(_.*)?\.yaml$/, ''))
}

/** After the containers went. */
export function removePolicy(host: Host, instance: Instance): void {
  rmSync(policyPath(host, instance), { force: true })
}
