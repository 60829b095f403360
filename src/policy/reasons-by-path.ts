import type { Reason } from './reasons.ts'

/**
 * When a row speaks: `any` change but one of times alone; `written`: there is something now; `cleared`: it was deleted,
 * emptied, or replaced by another type of file.
 */
export type When = 'any' | 'written' | 'cleared'

export interface PathReason extends Reason {
  readonly when: When
  readonly globs: readonly string[]
}

/** Where a change lies: the places that matter, as globs of a policy. */
export const reasonsByPath: readonly PathReason[] = [
  // who may do what
  row(
    'accounts',
    'critical',
    'T1136.001',
    'changes who has an account',
    'any',
    '/etc/passwd /etc/group /etc/subuid /etc/subgid',
  ),
  row(
    'shadow',
    'critical',
    'T1098',
    "changes accounts' passwords",
    'any',
    '/etc/shadow /etc/gshadow /etc/security/opasswd',
  ),
  row(
    'sudoers',
    'critical',
    'T1548.003',
    'changes who may become root',
    'any',
    '/etc/sudoers /etc/sudoers.d/** /etc/doas.conf /etc/doas.d/** /etc/polkit-1/**',
  ),
  row(
    'authentication',
    'critical',
    'T1556.003',
    'changes how a log-in is checked',
    'any',
    '/etc/pam.conf /etc/pam.d/** /etc/security/** **/security/pam_*.so',
  ),
  row(
    'authorized-keys',
    'critical',
    'T1098.004',
    'lets a key log in',
    'any',
    '**/.ssh/authorized_keys **/.ssh/authorized_keys2 **/.ssh/rc **/.ssh/environment /etc/dropbear/**',
  ),
  row(
    'ssh-configuration',
    'high',
    'T1098.004',
    'changes who may log in by SSH',
    'any',
    '/etc/ssh/** **/.ssh/config **/.ssh/known_hosts',
  ),
  row(
    'credentials',
    'medium',
    'T1552.001',
    'looks like a key or password',
    'written',
    '**/id_rsa **/id_ed25519 **/id_ecdsa **/*.pem **/*.key **/*.p12 **/.aws/credentials **/.netrc **/.pgpass **/.docker/config.json **/.kube/config **/.git-credentials',
  ),
  row(
    'trust-store',
    'high',
    'T1553.004',
    'changes which certificates are trusted',
    'any',
    '/etc/ssl/** /etc/pki/** /etc/ca-certificates.conf /etc/ca-certificates/** /usr/share/ca-certificates/** /usr/local/share/ca-certificates/**',
  ),
  // what runs by itself
  row('preload', 'critical', 'T1574.006', 'loads a library into every program', 'any', '/etc/ld.so.preload'),
  row(
    'loader',
    'high',
    'T1574.006',
    'changes where programs find their libraries',
    'any',
    '/etc/ld.so.conf /etc/ld.so.conf.d/** /etc/ld.so.cache /etc/ld-musl-*.path **/ld-linux*.so* **/ld-musl-*.so*',
  ),
  row(
    'cron',
    'critical',
    'T1053.003',
    'runs something at a time',
    'any',
    '/etc/crontab /etc/anacrontab /etc/cron*/** /var/spool/cron/** /var/spool/at/** /var/spool/atjobs/** /etc/periodic/**',
  ),
  row(
    'systemd',
    'high',
    'T1543.002',
    'is a unit of systemd',
    'any',
    '/etc/systemd/** /lib/systemd/** /usr/lib/systemd/** /usr/local/lib/systemd/** **/.config/systemd/**',
  ),
  row(
    'init',
    'high',
    'T1037.004',
    'runs when the container starts',
    'any',
    '/init /sbin/init /usr/sbin/init /etc/inittab /etc/init.d/** /etc/init/** /etc/rc.local /etc/rc*.d/** /etc/local.d/** /etc/runit/** /etc/service/** /etc/sv/** /etc/s6*/** /etc/services.d/** /etc/cont-init.d/** /etc/supervisor/** /etc/supervisord.conf /entrypoint* /docker-entrypoint* /docker-entrypoint*.d/**',
  ),
  row(
    'shell-startup',
    'high',
    'T1546.004',
    'runs whenever a shell starts',
    'any',
    '/etc/profile /etc/profile.d/** /etc/environment /etc/bash.bashrc /etc/bashrc /etc/bash/** /etc/zsh/** /etc/zshenv /etc/zshrc /etc/fish/** **/.profile **/.bashrc **/.bash_profile **/.bash_login **/.bash_logout **/.bash_aliases **/.zshrc **/.zshenv **/.zprofile **/.kshrc **/.ashrc **/.cshrc **/.config/fish/**',
  ),
  row(
    'event-trigger',
    'high',
    'T1546',
    'runs when something happens',
    'any',
    '/etc/udev/** /lib/udev/** /usr/lib/udev/** /etc/apt/apt.conf.d/** /etc/dpkg/dpkg.cfg.d/** /etc/update-motd.d/** /etc/network/if-*.d/** /etc/dhcp/** /etc/xdg/autostart/** **/.config/autostart/** /etc/logrotate.d/** /etc/logrotate.conf **/.git/hooks/*',
  ),
  row(
    'python-startup',
    'high',
    'T1546.018',
    'runs whenever Python starts',
    'any',
    '**/*.pth **/sitecustomize.py **/usercustomize.py',
  ),
  // code
  row(
    'program-path',
    'high',
    'T1574.007',
    'lies where programs are looked for',
    'any',
    '/bin/** /sbin/** /usr/bin/** /usr/sbin/** /usr/local/bin/** /usr/local/sbin/** /usr/libexec/** /opt/bin/** /opt/*/bin/** **/.local/bin/**',
  ),
  row('library', 'high', 'T1574.006', 'is a library that programs load', 'any', '**/*.so **/*.so.*'),
  row(
    'library-path',
    'high',
    'T1574',
    'lies where libraries are looked for',
    'any',
    '/lib/** /lib32/** /lib64/** /libx32/** /usr/lib/** /usr/lib32/** /usr/lib64/** /usr/local/lib/** /usr/local/lib64/**',
  ),
  row(
    'interpreter-library',
    'high',
    'T1574',
    'is code that an interpreter loads',
    'any',
    '**/site-packages/** **/dist-packages/** **/node_modules/** /usr/share/perl*/** /usr/local/share/perl*/** /etc/perl/** /usr/share/php/** /usr/share/lua/** /usr/share/java/** **/gems/**',
  ),
  row(
    'script',
    'medium',
    'T1059',
    'is code that an interpreter runs',
    'written',
    '**/*.sh **/*.bash **/*.py **/*.pyc **/*.pl **/*.pm **/*.rb **/*.lua **/*.js **/*.mjs **/*.cjs **/*.jar **/*.class **/*.wasm',
  ),
  row(
    'web-script',
    'high',
    'T1505.003',
    'is code that a web server may run',
    'written',
    '**/*.php **/*.php[0-9] **/*.phtml **/*.phar **/*.jsp **/*.jspx **/*.war **/*.asp **/*.aspx **/*.cgi **/.htaccess **/.user.ini',
  ),
  row(
    'web-content',
    'medium',
    'T1491.002',
    'is what a web server shows',
    'any',
    '/var/www/** /srv/www/** /srv/http/** /usr/share/nginx/html/** /usr/local/apache2/htdocs/** /usr/share/caddy/**',
  ),
  row(
    'kernel-module',
    'high',
    'T1547.006',
    'is for the kernel',
    'any',
    '/lib/modules/** /usr/lib/modules/** /etc/modprobe.d/** /etc/modules /etc/modules-load.d/** /etc/sysctl.conf /etc/sysctl.d/** /boot/** **/*.ko **/*.ko.*',
  ),
  row(
    'packages',
    'high',
    'T1105',
    'shows packages installed or removed',
    'any',
    '/var/lib/dpkg/** /var/lib/apt/** /var/cache/apt/** /etc/apt/** /lib/apk/** /etc/apk/** /usr/lib/apk/** /var/cache/apk/** /var/lib/rpm/** /usr/lib/sysimage/rpm/** /var/lib/dnf/** /var/cache/dnf/** /etc/yum.conf /etc/yum.repos.d/** /var/lib/pacman/**',
  ),
  // traces and eyes
  row(
    'log-cleared',
    'high',
    'T1070.002',
    'is a log, gone or emptied',
    'cleared',
    '/var/log/** **/*.log /run/utmp /var/run/utmp',
  ),
  row(
    'history-cleared',
    'high',
    'T1070.003',
    "is a shell's history, gone or emptied",
    'cleared',
    '**/.*_history **/.history **/.lesshst **/.viminfo',
  ),
  row(
    'history',
    'medium',
    'T1059.004',
    'shows that somebody typed',
    'written',
    '**/.*_history **/.lesshst **/.viminfo',
  ),
  row(
    'defenses',
    'high',
    'T1562.001',
    'changes what is logged or guarded',
    'any',
    '/etc/audit/** /etc/rsyslog.conf /etc/rsyslog.d/** /etc/syslog* /etc/selinux/** /etc/apparmor.d/** /etc/fail2ban/** /etc/hosts.allow /etc/hosts.deny /etc/iptables/** /etc/nftables.conf',
  ),
  row(
    'name-resolution',
    'high',
    'T1565.001',
    'changes where names lead',
    'any',
    '/etc/hosts /etc/resolv.conf /etc/nsswitch.conf /etc/host.conf /etc/hostname /etc/gai.conf',
  ),
  row(
    'configuration',
    'medium',
    'T1565.001',
    'changes how something is configured',
    'any',
    '/etc/** /usr/local/etc/**',
  ),
  row(
    'staging',
    'low',
    'T1074.001',
    'is an archive where data is gathered',
    'written',
    '/tmp/**/*.tar /tmp/**/*.tar.* /tmp/**/*.tgz /tmp/**/*.zip /tmp/**/*.7z /var/tmp/**/*.tar /var/tmp/**/*.tar.* /var/tmp/**/*.tgz /var/tmp/**/*.zip /var/tmp/**/*.7z',
  ),
]

function row(
  id: string,
  severity: Reason['severity'],
  technique: string,
  text: string,
  when: When,
  globs: string,
): PathReason {
  return { id, severity, technique, text, when, globs: globs.split(' ') }
}
