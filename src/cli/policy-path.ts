import { join } from 'node:path'
import { loadPolicies } from '../policy/store.ts'
import type { Io } from './command.ts'

/** The declarations that `--policy` names, else those of the configuration folder, which need not exist. */
export function declaredPolicies(
  policy: string | undefined,
  env: Io['env'],
): ReturnType<typeof loadPolicies> {
  if (policy !== undefined) return loadPolicies(policy, { mustExist: true })
  const folder = join(env['PADDOCK_CONFIG_DIR'] ?? '/etc/paddock', 'policy.d')
  return loadPolicies(folder, { mustExist: false })
}
