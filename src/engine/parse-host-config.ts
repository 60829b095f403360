import type { Fields } from './fields.ts'
import type { HostConfig } from './reader.ts'

/** What of the host a container was given, from the answer to `GET /containers/ID/json`. */
export function parseHostConfig(all: Fields): HostConfig {
  const host = all.object('HostConfig')
  const log = host.object('LogConfig')
  const restart = host.object('RestartPolicy')
  const securityOptions = host.texts('SecurityOpt')
  return {
    privileged: host.flag('Privileged'),
    capAdd: host.texts('CapAdd').map(capability),
    capDrop: host.texts('CapDrop').map(capability),
    securityOptions,
    usernsMode: host.text('UsernsMode', ''),
    pidMode: host.text('PidMode', ''),
    networkMode: host.text('NetworkMode', ''),
    ipcMode: host.text('IpcMode', ''),
    utsMode: host.text('UTSMode', ''),
    cgroupnsMode: host.text('CgroupnsMode', host.text('CgroupMode', '')),
    readonlyRootfs: host.flag('ReadonlyRootfs'),
    memoryBytes: limit(host.number('Memory', 0)),
    pidsLimit: limit(host.number('PidsLimit', 0)),
    cpuLimited:
      ['NanoCpus', 'CpuShares', 'CpuQuota'].some((name) => host.number(name, 0) > 0) ||
      host.text('CpusetCpus', '') !== '',
    devices: host.objects('Devices').map((device) => ({
      host: device.text('PathOnHost', ''),
      container: device.text('PathInContainer', ''),
    })),
    deviceCgroupRules: host.texts('DeviceCgroupRules'),
    groupAdd: host.texts('GroupAdd'),
    ulimits: host.objects('Ulimits').map((ulimit) => ulimitName(ulimit.text('Name'))),
    cgroupParent: host.text('CgroupParent', ''),
    systemPathsUnmasked: systemPathsUnmasked(host, securityOptions),
    log: { driver: log.text('Type', ''), options: log.map('Config') },
    restartPolicy: {
      name: restart.text('Name', ''),
      maximumRetryCount: restart.number('MaximumRetryCount', 0),
    },
    ports: parsePorts(all),
    healthCheck: parseHealthCheck(all.object('Config')),
  }
}

/** A health check's command, ["CMD", …] or ["CMD-SHELL", …]; null where none is configured. */
export function parseHealthCheck(config: Fields): readonly string[] | null {
  const command = config.object('Healthcheck').texts('Test')
  return command.length === 0 ? null : command
}

/** Docker takes "NET_ADMIN", "net_admin" and "CAP_NET_ADMIN" and shows what it was given. */
function capability(name: string): string {
  return name.toUpperCase().replace(/^CAP_/, '')
}

/** Podman writes "RLIMIT_NOFILE" for Docker's "nofile". */
function ulimitName(name: string): string {
  return name.toLowerCase().replace(/^rlimit_/, '')
}

/** Engines write -1 as well as 0 for no limit. */
function limit(value: number): number {
  return Math.max(0, value)
}

/** Docker lists the paths it masks, and none where it was told not to; Podman tells by the option alone. */
function systemPathsUnmasked(host: Fields, securityOptions: readonly string[]): boolean {
  if (host.flag('Privileged')) return true
  if (securityOptions.some((option) => /^(systempaths[=:]unconfined|unmask[=:])/i.test(option))) return true
  return ['MaskedPaths', 'ReadonlyPaths'].some((name) => host.has(name) && host.texts(name).length === 0)
}

/** As bound now; of a container that does not run, as configured (0 where the engine may choose). */
function parsePorts(all: Fields): HostConfig['ports'] {
  const bound = portsOf(all.object('NetworkSettings'), 'Ports')
  return bound.length > 0 ? bound : portsOf(all.object('HostConfig'), 'PortBindings')
}

/** `{ "80/tcp": [{ "HostIp": "127.0.0.1", "HostPort": "8080" }], "81/tcp": null }`. */
function portsOf(parent: Fields, name: string): HostConfig['ports'] {
  const table = parent.object(name)
  return parent.keys(name).flatMap((key) =>
    table.objects(key).map((binding) => ({
      hostIp: binding.text('HostIp', ''),
      hostPort: Number.parseInt(binding.text('HostPort', '')) || 0,
      containerPort: Number.parseInt(key) || 0,
      protocol: key.split('/')[1] ?? 'tcp',
    })),
  )
}
