import { PROGRAM_PLACES } from './places.ts'
import { readContent, resolve, type TreeNode } from './image-tree.ts'

export interface Package {
  readonly name: string
  readonly version: string
  readonly architecture: string
  readonly license: string | null
  /** Part of the distribution's base: nobody asked for it by name. */
  readonly isBase: boolean
  /** As the package database has them, absolute, bytes as latin1. */
  readonly files: readonly string[]
}

/** What an image's package database tells; read before anything is removed. */
export interface PackageList {
  /** "deb", "apk"; null where there is no database that Paddock reads. */
  readonly kind: 'deb' | 'apk' | null
  /** For package URLs: "debian", "alpine". */
  readonly distribution: string
  readonly release: string
  readonly packages: readonly Package[]
  /** A program that came with the distribution's base. */
  readonly isBase: (node: TreeNode) => boolean
  /** Any file that came with the distribution's base: what its scripts name is named by nobody. */
  readonly isOfBase: (node: TreeNode) => boolean
  /** A program that was added to the base: by a package, or by hand. */
  readonly isOnPurpose: (node: TreeNode) => boolean
}

const MOST_BYTES = 64 * 1024 * 1024
const MOST_PACKAGES = 50_000

export function readPackages(root: TreeNode): PackageList {
  const release = osRelease(root)
  const deb = dpkgPackages(root)
  const apk = deb.length > 0 ? [] : apkPackages(root)
  const packages = deb.length > 0 ? deb : apk
  const owners = programOwners(root, packages)
  const ofBase = baseFiles(root, packages)
  return {
    kind: deb.length > 0 ? 'deb' : apk.length > 0 ? 'apk' : null,
    distribution: release['ID'] ?? 'linux',
    release: release['VERSION_ID'] ?? '',
    packages,
    isBase: ({ id }) => owners.get(id)?.isBase === true,
    isOfBase: ({ id }) => ofBase.has(id),
    isOnPurpose: (node) =>
      packages.length > 0 ? owners.get(node.id)?.isBase !== true : !ADMINISTRATION.test(node.name),
  }
}

/** What lies in sbin on a bare Debian or busybox, for images that have no database (any more). */
const ADMINISTRATION =
  /^(acpid|add(user|group|-shell)|agetty|arp(ing|d)?|badblocks|blk(id|discard|zone)|blockdev|bridge|chat|ch(cpu|root|memo|gpasswd|passwd|pasw)|cfdisk|cp(gr|pw)|cpgr|cppw|cr(yptsetup|tstat|etestdir)|ctrlaltdel|debugfs|dela?(user|group)|delgroup|depmod|devlink|dhc?p.*|dmesg|dnsd|dump(e2fs|leases)|e2.*|e4.*|ether-wake|fake(identd)?|fb(set|splash)|fd(flush|format|isk)|filefrag|find(fs|mnt)|free(ramdisk)?|fs(ck|ck\..*|freeze|trim)|ftpd|genl|getty|group(add|del|mod|mems)|grp(ck|conv|unconv)|halt|hdparm|hwclock|iconvconfig|if(up|down|config|query|enslave|plugd)|inetd|init|insmod|installkernel|invoke-rc\.d|ip.*|isosize|key(create|gen)|killall5|klogd|ld(attach|config)|load(kmap|font)|logread|logrotate|logsave|losetup|ls(mod|attr)|makedevs|mdev|mk(dosfs|e2fs|fs|fs\..*|homedir_helper|lost\+found|swap|udffs)|mii-tool|mod(info|probe)|mount\..*|nameif|nanddump|nandwrite|nbd-client|newusers|nologin|nsenter|ntpd|pam.*|partprobe|pivot_root|popmaildir|poweroff|pw(ck|conv|unconv)|raidautorun|rarpd|rdate|rdev|read(ahead|profile)|reboot|remove-shell|resize2fs|rmmod|rmt.*|route|rtacct|rtmon|run-init|run(level|user)|runuser|sendmail|service|set(console|font|logcons)|sfdisk|shadowconfig|shutdown|slattach|ss|start-stop-daemon|sul?ogin|sw(ap.*|itch_root)|sysctl|syslogd|tarcat|tc|telinit|telnetd|tftpd|tipc|tune2fs|tunctl|tz(config)?|ubi.*|udhcp.*|uevent|unix_.*|update-.*|user(add|del|mod)|uuidd|validlocale|vconfig|vdpa|vi(gr|pw)|visudo|wipefs|zdump|zic|zramctl|policy-rc\.d|dpkg-.*|e2scrub.*|faillock|watchdog|zcip|eject|adjtimex|brctl|apk|deluser|chpasswd|crond|rdev|loadkmap|setlogcons|mkpasswd)$/

/** Which package brought which program: only what lies where programs do, for the rest nobody asks. */
function programOwners(root: TreeNode, packages: readonly Package[]): ReadonlyMap<number, Package> {
  const owners = new Map<number, Package>()
  for (const item of packages) {
    for (const file of item.files) {
      if (!PROGRAM_PLACES.test(file)) continue
      const { node } = resolve(root, file, { last: false })
      if (node !== null && node.inode.type !== 'directory') owners.set(node.id, item)
    }
  }
  return owners
}

function baseFiles(root: TreeNode, packages: readonly Package[]): ReadonlySet<number> {
  const files = packages.filter(({ isBase }) => isBase).flatMap((item) => item.files)
  const nodes = files.flatMap((file) => resolve(root, file, { last: false }).node ?? [])
  return new Set(nodes.filter(({ inode }) => inode.type === 'file').map(({ id }) => id))
}

function osRelease(root: TreeNode): Readonly<Record<string, string>> {
  const file = resolve(root, '/etc/os-release').node ?? resolve(root, '/usr/lib/os-release').node
  const text = file === null ? '' : readContent(file.inode, 64 * 1024).toString('utf8')
  const pairs = [...text.matchAll(/^([A-Z_]+)="?([\w.+-]{1,64})"?$/gm)]
  return Object.fromEntries(pairs.map(([, key = '', value = '']) => [key, value]))
}

const BASE_PRIORITIES = new Set(['required', 'important', 'standard'])
/** Of priority "optional" because only their rank in a new installation counts, or pulled in by every one of these. */
const BASE_HELPERS = new Set([
  'adduser',
  'debconf',
  'init-system-helpers',
  'lsb-base',
  'ucf',
  'sensible-utils',
  'perl-base',
  'logsave',
])

function dpkgPackages(root: TreeNode): Package[] {
  const status = resolve(root, '/var/lib/dpkg/status').node
  const info = resolve(root, '/var/lib/dpkg/info').node
  // Distroless images have one file a package.
  const parts = [...(resolve(root, '/var/lib/dpkg/status.d').node?.children() ?? [])]
  const nodes = [
    ...(status === null ? [] : [status]),
    ...parts.filter(({ name }) => !name.endsWith('.md5sums')),
  ]
  const text = nodes.map(({ inode }) => readContent(inode, MOST_BYTES).toString('utf8')).join('\n\n')
  return text
    .split(/\n\n+/)
    .slice(0, MOST_PACKAGES)
    .flatMap((block) => {
      const field = (key: string) => new RegExp(`^${key}: *(.*)$`, 'm').exec(block)?.[1] ?? ''
      const [name, state] = [field('Package'), field('Status')]
      if (name === '' || (state !== '' && !state.endsWith(' installed'))) return []
      const architecture = field('Architecture')
      const isBase =
        field('Essential') === 'yes' || BASE_PRIORITIES.has(field('Priority')) || BASE_HELPERS.has(name)
      const list = info?.child(`${name}.list`) ?? info?.child(`${name}:${architecture}.list`)
      const files =
        list === undefined || list === null
          ? []
          : readContent(list.inode, MOST_BYTES).toString('latin1').split('\n')
      return [
        {
          name,
          version: field('Version'),
          architecture,
          license: null,
          isBase,
          files: files.filter(isAbsolute),
        },
      ]
    })
}

const ALPINE_BASE =
  /^(alpine-(baselayout|keys|release|base|conf)(-data)?|apk-tools|busybox(-binsh|-suid|-openrc)?|musl-utils|libc-utils|scanelf|ssl_client|pax-utils|openrc|mdev-conf|ifupdown-ng)$/

function apkPackages(root: TreeNode): Package[] {
  const node = resolve(root, '/lib/apk/db/installed').node ?? resolve(root, '/usr/lib/apk/db/installed').node
  if (node === null) return []
  const text = readContent(node.inode, MOST_BYTES).toString('latin1')
  return text
    .split(/\n\n+/)
    .slice(0, MOST_PACKAGES)
    .flatMap((block) => {
      const lines = block.split('\n')
      const field = (key: string) => lines.find((line) => line.startsWith(`${key}:`))?.slice(2) ?? ''
      const name = field('P')
      if (name === '') return []
      let folder = ''
      const files: string[] = []
      for (const line of lines) {
        if (line.startsWith('F:')) folder = line.slice(2)
        if (line.startsWith('R:')) files.push(`/${folder}/${line.slice(2)}`.replace('//', '/'))
      }
      const license = field('L') === '' ? null : field('L')
      return [
        {
          name,
          version: field('V'),
          architecture: field('A'),
          license,
          isBase: ALPINE_BASE.test(name),
          files,
        },
      ]
    })
}

function isAbsolute(path: string): boolean {
  return path.startsWith('/') && path !== '/.'
}
