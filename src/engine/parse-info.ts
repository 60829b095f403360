import { type Fields, fields, fieldsList, hexId } from './fields.ts'
import type { EngineInfo, EngineKind, Network } from './reader.ts'

/** What `GET /version` tells, which every engine answers whatever API version is asked for. */
export interface EngineVersion {
  readonly kind: EngineKind
  readonly version: string
  /** The newest API version it speaks, "1.45". */
  readonly apiVersion: string
  /** The oldest, "1.24". */
  readonly minApiVersion: string
}

/** `GET /version`. */
export function parseVersion(answer: unknown): EngineVersion {
  const all = fields(answer)
  const components = all.objects('Components').map((component) => component.text('Name', ''))
  const apiVersion = all.text('ApiVersion')
  return {
    kind: components.some((name) => /podman/i.test(name)) ? 'podman' : 'docker',
    version: all.text('Version', ''),
    apiVersion,
    minApiVersion: all.text('MinAPIVersion', apiVersion),
  }
}

/** `GET /info`. */
export function parseInfo(answer: unknown, { kind, version }: EngineVersion, spoken: string): EngineInfo {
  const all = fields(answer)
  const securityOptions = all.texts('SecurityOptions')
  return {
    kind,
    version,
    apiVersion: spoken,
    storageDriver: all.text('Driver', ''),
    dataRoot: all.text('DockerRootDir', ''),
    usernsRemap: kind === 'docker' && securityOptions.some((option) => option.startsWith('name=userns')),
    // Docker says it there, Podman here.
    rootless: all.flag('Rootless') || securityOptions.some((option) => option.startsWith('name=rootless')),
    securityOptions,
    liveRestore: all.flag('LiveRestoreEnabled'),
    loggingDriver: all.text('LoggingDriver', ''),
    insecureRegistries: insecureRegistries(all.object('RegistryConfig')),
    authorizationPlugins: all.object('Plugins').texts('Authorization'),
    // Podman always says so.
    experimental: kind === 'docker' && all.flag('ExperimentalBuild'),
    runtime: {
      name: all.text('DefaultRuntime', ''),
      version: /\d+(\.\d+)+/.exec(all.object('RuncCommit').text('ID', ''))?.[0] ?? '',
    },
    swarm: parseSwarm(all.object('Swarm')),
  }
}

/** `GET /networks`. */
export function parseNetworks(answer: unknown): Network[] {
  return fieldsList(answer).map((row) => ({
    id: hexId(row.text('Id'), 'Id'),
    name: row.text('Name'),
    driver: row.text('Driver', ''),
    options: row.map('Options'),
  }))
}

function insecureRegistries(config: Fields): string[] {
  const named = config
    .entries('IndexConfigs')
    .filter(([, index]) => index.has('Secure') && !index.flag('Secure'))
  const ranges = config.texts('InsecureRegistryCIDRs').filter((range) => !/^(127\.|::1\/128$)/.test(range))
  return [...named.map(([name]) => name), ...ranges]
}

function parseSwarm(swarm: Fields): EngineInfo['swarm'] {
  if (swarm.text('LocalNodeState', 'inactive') !== 'active') return null
  return { managers: swarm.number('Managers', 0), isManager: swarm.flag('ControlAvailable') }
}
