/** Where the programs that units start lie. */
export interface Programs {
  /** Node's own path. */
  readonly node: string
  /** The folder with `sensor.js`, `watch.js` and `paddock.js`. */
  readonly dist: string
}

/** Where a package of a distribution would have them: what contrib/systemd is written for. */
export const packagedPrograms: Programs = {
  node: '/usr/bin/node',
  dist: '/usr/lib/node_modules/paddock/dist',
}

/** The first line of every file that `paddock install` writes: it replaces and removes no others. */
export const UNIT_MARK = '# Written by paddock install; put changes into a drop-in (systemctl edit).'

export const SENSOR_UNIT = 'paddock-sensor.service'
export const WATCH_UNIT = 'paddock-watch.service'
const AUDIT_UNIT = 'paddock-audit.service'
/** Enabled, and not started at once: what runs of the herd is the operator's to say. */
export const HERD_UNIT = 'paddock-herd.service'
export const AUDIT_TIMER = 'paddock-audit.timer'
export const AUDIT_PATH = 'paddock-audit.path'

/** What is enabled: the audit itself is started by the other two. */
export const ENABLED_UNITS = [SENSOR_UNIT, WATCH_UNIT, AUDIT_TIMER, AUDIT_PATH] as const

/** Where contrib/systemd has the herd. */
export const PACKAGED_HERD = '/srv/herd'

/**
 * Each unit by its name: the same files lie in contrib/systemd.
 * @param herd the folder of the services that the host starts with; null for none
 */
export function units(programs: Programs, herd: string | null): ReadonlyMap<string, string> {
  return new Map([
    [SENSOR_UNIT, sensorUnit(programs)],
    [WATCH_UNIT, watchUnit(programs)],
    [AUDIT_UNIT, auditUnit(programs)],
    [AUDIT_TIMER, auditTimer],
    [AUDIT_PATH, auditPath],
    ...(herd === null ? [] : [[HERD_UNIT, herdUnit(programs, herd)] as const]),
  ])
}

function sensorUnit({ node, dist }: Programs): string {
  return `${UNIT_MARK}
[Unit]
Description=Paddock sensor: sees what changes and runs in containers, and judges it
# It waits for engines, so that no container starts before it looks.
Before=docker.service podman.service
After=local-fs.target
# However often it is made to end, it is started again.
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=${node} ${dist}/sensor.js
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=100ms
# Watch may make its socket in the folder, and not remove the sensor's.
Group=paddock
RuntimeDirectory=paddock
RuntimeDirectoryMode=1775
RuntimeDirectoryPreserve=yes
UMask=0077
OOMScoreAdjust=-900
LimitNOFILE=65536
TasksMax=64

# What it needs of root's power: src/sensor/README.md says what for.
CapabilityBoundingSet=CAP_SYS_ADMIN CAP_SYS_NICE CAP_SYS_PTRACE CAP_DAC_READ_SEARCH CAP_DAC_OVERRIDE CAP_FOWNER CAP_LEASE CAP_NET_ADMIN CAP_CHOWN
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=/var/lib/paddock
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_UNIX AF_NETLINK
IPAddressDeny=any
RestrictNamespaces=yes
RestrictRealtime=yes
# Not RestrictSUIDSGID=: it takes openat2 away, by which no path leads out of a layer directory.
LockPersonality=yes
SystemCallArchitectures=native
# With seccomp it refuses itself more than a unit can.
SystemCallFilter=@system-service @mount fanotify_init fanotify_mark seccomp
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`
}

function watchUnit({ node, dist }: Programs): string {
  const reads = [dist, '/etc/paddock', '/var/lib/paddock/watch', '/run/paddock']
  const writes = ['/var/lib/paddock/watch', '/run/paddock']
  const allow = (what: string, paths: readonly string[]) =>
    paths.map((path) => `  --allow-fs-${what}=${path} --allow-fs-${what}=${path}/* \\\n`).join('')
  return `${UNIT_MARK}
[Unit]
Description=Paddock watch: remembers what the sensor found, shows it and tells people
Wants=paddock-sensor.service
After=paddock-sensor.service network.target
# When the host goes down it tells what containers do until the last of them ended.
Before=docker.service podman.service
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=${node} --permission \\
${allow('read', reads)}${allow('write', writes)}  ${dist}/watch.js
Restart=always
RestartSec=1s
User=paddock
Group=paddock
UMask=0077
MemoryMax=512M
TasksMax=64

CapabilityBoundingSet=
AmbientCapabilities=
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=/var/lib/paddock/watch /run/paddock
InaccessiblePaths=-/run/docker.sock -/run/podman -/run/containerd -/run/crio -/var/lib/docker -/var/lib/containers -/var/lib/containerd
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateUsers=yes
ProtectProc=invisible
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`
}

function auditUnit({ node, dist }: Programs): string {
  return `${UNIT_MARK}
[Unit]
Description=Paddock audit: tells by the sensor what became weaker since the last one
StartLimitIntervalSec=0
After=paddock-sensor.service docker.service podman.service

[Service]
Type=oneshot
ExecStart=${node} ${dist}/paddock.js audit --alert
# 1: something is worse, and was told.
SuccessExitStatus=1 SIGTERM
# It rests, so that it gets a part of the time however often containers start. What comes meanwhile is one more audit
# afterwards: the path is looked at again when this ends, however it ends. A host that goes down does not wait for it.
ExecStart=/bin/sleep 20
ExecStopPost=/bin/sh -c 'test "$SERVICE_RESULT" = success || sleep 20'
TimeoutStartSec=10min
UMask=0077
Nice=19
IOSchedulingClass=idle
MemoryMax=1G

# It judges files, mounts and devices of the host: a mount namespace of its own would show it others.
# It asks the name service, which may need the network, and auditctl for the rules in force.
CapabilityBoundingSet=CAP_DAC_READ_SEARCH CAP_SYS_PTRACE CAP_AUDIT_CONTROL
NoNewPrivileges=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
`
}

const auditTimer = `${UNIT_MARK}
[Unit]
Description=Paddock audit, once a day

[Timer]
OnCalendar=daily
RandomizedDelaySec=1h
Persistent=yes

[Install]
WantedBy=timers.target
`

const auditPath = `${UNIT_MARK}
[Unit]
Description=Paddock audit when the sensor wants one: an engine came, a container was made or started

[Path]
# The audit removes it before it looks.
PathExists=/var/lib/paddock/audit/wanted

[Install]
WantedBy=multi-user.target
`

function herdUnit({ node, dist }: Programs, herd: string): string {
  return `${UNIT_MARK}
[Unit]
Description=Paddock herd: starts every service in waves, and undoes an upgrade that the reboot interrupted
Wants=docker.service network-online.target
After=docker.service network-online.target paddock-sensor.service paddock-watch.service

[Service]
Type=oneshot
RemainAfterExit=yes
Environment=HOME=/root PADDOCK_HERD=${herd}
ExecStart=${node} ${dist}/paddock.js up --all
# One service that fails holds up only what needs it; it is tried again.
Restart=on-failure
RestartSec=1min
TimeoutStartSec=infinity

NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=/etc/paddock /var/lib/paddock
PrivateTmp=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
LockPersonality=yes

[Install]
WantedBy=multi-user.target
`
}
