import type { Check } from '../check.ts'
import { check as apiTcp } from './api-tcp.ts'
import { check as apparmor } from './apparmor.ts'
import { check as auditRules } from './audit-rules.ts'
import { check as authorization } from './authorization.ts'
import { check as baseDeviceSize } from './base-device-size.ts'
import { check as capabilities } from './capabilities.ts'
import { check as cgroupParent } from './cgroup-parent.ts'
import { check as clientHost } from './client-host.ts'
import { check as clientKeys } from './client-keys.ts'
import { check as containerLogs } from './container-logs.ts'
import { check as containerSprawl } from './container-sprawl.ts'
import { check as contentTrust } from './content-trust.ts'
import { check as cpuLimit } from './cpu-limit.ts'
import { check as daemonCgroupParent } from './daemon-cgroup-parent.ts'
import { check as daemonConfig } from './daemon-config.ts'
import { check as daemonFiles } from './daemon-files.ts'
import { check as dataPartition } from './data-partition.ts'
import { check as defaultBridge } from './default-bridge.ts'
import { check as defaultUlimits } from './default-ulimits.ts'
import { check as devices } from './devices.ts'
import { check as dockerGroup } from './docker-group.ts'
import { check as engineVersion } from './engine-version.ts'
import { check as envSecrets } from './env-secrets.ts'
import { check as escapePath } from './escape-path.ts'
import { check as experimental } from './experimental.ts'
import { check as healthCheck } from './health-check.ts'
import { check as hostIpc } from './host-ipc.ts'
import { check as hostMounts } from './host-mounts.ts'
import { check as hostNetwork } from './host-network.ts'
import { check as hostPid } from './host-pid.ts'
import { check as hostUsers } from './host-users.ts'
import { check as hostUts } from './host-uts.ts'
import { check as icc } from './icc.ts'
import { check as imageAdd } from './image-add.ts'
import { check as imageAge } from './image-age.ts'
import { check as imageHealthCheck } from './image-health-check.ts'
import { check as imageOutdated } from './image-outdated.ts'
import { check as imageSecrets } from './image-secrets.ts'
import { check as imageSetuid } from './image-setuid.ts'
import { check as imageSprawl } from './image-sprawl.ts'
import { check as imageUser } from './image-user.ts'
import { check as insecureRegistries } from './insecure-registries.ts'
import { check as iptables } from './iptables.ts'
import { check as lingeringGroup } from './lingering-group.ts'
import { check as liveRestore } from './live-restore.ts'
import { check as logLevel } from './log-level.ts'
import { check as logLimits } from './log-limits.ts'
import { check as maskedPaths } from './masked-paths.ts'
import { check as memoryLimit } from './memory-limit.ts'
import { check as mountPropagation } from './mount-propagation.ts'
import { check as mutableTag } from './mutable-tag.ts'
import { check as noNewPrivileges } from './no-new-privileges.ts'
import { check as noNewPrivilegesDefault } from './no-new-privileges-default.ts'
import { check as overlayEncryption } from './overlay-encryption.ts'
import { check as pidsLimit } from './pids-limit.ts'
import { check as privileged } from './privileged.ts'
import { check as privilegedPorts } from './privileged-ports.ts'
import { check as publishedPorts } from './published-ports.ts'
import { check as readOnlyRoot } from './read-only-root.ts'
import { check as restartPolicy } from './restart-policy.ts'
import { check as rootUser } from './root-user.ts'
import { check as rootlessDaemons } from './rootless-daemons.ts'
import { check as seccomp } from './seccomp.ts'
import { check as seccompDefault } from './seccomp-default.ts'
import { check as securityModule } from './security-module.ts'
import { check as selinuxLabel } from './selinux-label.ts'
import { check as sharedNamespaces } from './shared-namespaces.ts'
import { check as sharedUid } from './shared-uid.ts'
import { check as socketMount } from './socket-mount.ts'
import { check as sshd } from './sshd.ts'
import { check as storageDriver } from './storage-driver.ts'
import { check as sudoEngine } from './sudo-engine.ts'
import { check as swarm } from './swarm.ts'
import { check as swarmListener } from './swarm-listener.ts'
import { check as swarmManagers } from './swarm-managers.ts'
import { check as userlandProxy } from './userland-proxy.ts'
import { check as usernsRemap } from './userns-remap.ts'

/** Every check, in the order of the report's parts. */
export const checks: readonly Check[] = [
  escapePath,
  dockerGroup,
  lingeringGroup,
  sudoEngine,
  clientKeys,
  clientHost,
  rootlessDaemons,
  apiTcp,
  daemonFiles,
  daemonConfig,
  usernsRemap,
  liveRestore,
  icc,
  noNewPrivilegesDefault,
  userlandProxy,
  logLimits,
  insecureRegistries,
  contentTrust,
  seccompDefault,
  securityModule,
  storageDriver,
  baseDeviceSize,
  dataPartition,
  engineVersion,
  auditRules,
  logLevel,
  iptables,
  defaultUlimits,
  daemonCgroupParent,
  authorization,
  experimental,
  swarm,
  swarmManagers,
  swarmListener,
  overlayEncryption,
  imageSprawl,
  containerSprawl,
  privileged,
  capabilities,
  hostPid,
  hostNetwork,
  hostIpc,
  hostUts,
  hostUsers,
  socketMount,
  hostMounts,
  mountPropagation,
  devices,
  seccomp,
  apparmor,
  selinuxLabel,
  maskedPaths,
  noNewPrivileges,
  memoryLimit,
  pidsLimit,
  cpuLimit,
  rootUser,
  readOnlyRoot,
  healthCheck,
  publishedPorts,
  privilegedPorts,
  envSecrets,
  sharedUid,
  sharedNamespaces,
  defaultBridge,
  restartPolicy,
  cgroupParent,
  sshd,
  containerLogs,
  imageOutdated,
  mutableTag,
  imageUser,
  imageHealthCheck,
  imageAge,
  imageSecrets,
  imageAdd,
  imageSetuid,
]
