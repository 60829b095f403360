/** How a flag of dockerd is written, and what daemon.json calls it. */
type Flag = readonly [name: string, key: string, kind: 'boolean' | 'string' | 'list', short?: string]

/** dockerd's flags that decide about safety, with daemon.json's names (docs.docker.com, dockerd reference). */
const FLAGS: readonly Flag[] = [
  ['host', 'hosts', 'list', 'H'],
  ['config-file', 'config-file', 'string'],
  ['tls', 'tls', 'boolean'],
  ['tlsverify', 'tlsverify', 'boolean'],
  ['tlscacert', 'tlscacert', 'string'],
  ['tlscert', 'tlscert', 'string'],
  ['tlskey', 'tlskey', 'string'],
  ['group', 'group', 'string', 'G'],
  ['data-root', 'data-root', 'string'],
  ['graph', 'data-root', 'string', 'g'],
  ['exec-root', 'exec-root', 'string'],
  ['pidfile', 'pidfile', 'string', 'p'],
  ['containerd', 'containerd', 'string'],
  ['userns-remap', 'userns-remap', 'string'],
  ['live-restore', 'live-restore', 'boolean'],
  ['icc', 'icc', 'boolean'],
  ['ip', 'ip', 'string'],
  ['iptables', 'iptables', 'boolean'],
  ['ip6tables', 'ip6tables', 'boolean'],
  ['bridge', 'bridge', 'string', 'b'],
  ['no-new-privileges', 'no-new-privileges', 'boolean'],
  ['userland-proxy', 'userland-proxy', 'boolean'],
  ['selinux-enabled', 'selinux-enabled', 'boolean'],
  ['seccomp-profile', 'seccomp-profile', 'string'],
  ['log-driver', 'log-driver', 'string'],
  ['log-opt', 'log-opts', 'list'],
  ['log-level', 'log-level', 'string', 'l'],
  ['debug', 'debug', 'boolean', 'D'],
  ['insecure-registry', 'insecure-registries', 'list'],
  ['authorization-plugin', 'authorization-plugins', 'list'],
  ['default-ulimit', 'default-ulimits', 'list'],
  ['cgroup-parent', 'cgroup-parent', 'string'],
  ['storage-driver', 'storage-driver', 'string', 's'],
  ['storage-opt', 'storage-opts', 'list'],
  ['experimental', 'experimental', 'boolean'],
  ['default-cgroupns-mode', 'default-cgroupns-mode', 'string'],
  ['default-ipc-mode', 'default-ipc-mode', 'string'],
]

const byLong = new Map(FLAGS.map((flag) => [flag[0], flag]))
const byShort = new Map(FLAGS.flatMap((flag) => (flag[3] === undefined ? [] : [[flag[3], flag] as const])))

/**
 * What dockerd's command line sets, by daemon.json's names: booleans, strings and lists of strings.
 * @param argv without the program's own name
 */
export function parseDaemonFlags(argv: readonly string[]): Map<string, unknown> {
  const settings = new Map<string, unknown>()
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? ''
    const [, long, , longValue] = /^--([^=]+)(=(.*))?$/s.exec(word) ?? []
    const [, short, shortValue] = /^-([A-Za-z])=?(.*)$/s.exec(word) ?? []
    const flag = long !== undefined ? byLong.get(long) : short !== undefined ? byShort.get(short) : undefined
    if (flag === undefined) continue
    const attached = long !== undefined ? longValue : shortValue === '' ? undefined : shortValue
    const [, key, kind] = flag
    if (kind === 'boolean') {
      settings.set(key, attached === undefined || !/^(0|f|false)$/i.test(attached))
      continue
    }
    const value = attached ?? argv[++index] ?? ''
    settings.set(
      key,
      kind === 'list' ? [...((settings.get(key) as string[] | undefined) ?? []), value] : value,
    )
  }
  return settings
}

/** `log-opts` as daemon.json has it, from either form: "max-size=10m" lines or an object. */
export function logOptions(value: unknown): Readonly<Record<string, string>> {
  if (Array.isArray(value))
    return Object.fromEntries(
      value.map((each) => {
        const [name = '', ...rest] = String(each).split('=')
        return [name, rest.join('=')]
      }),
    )
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).map(([name, each]) => [name, String(each)]))
    : {}
}
