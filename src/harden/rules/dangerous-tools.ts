import { programs, removePaths } from './rule.ts'

const TOOLS = `
  od ln chmod chown chgrp chattr lsattr su sudo sudoedit doas visudo setpriv runuser newgrp sg login passwd chsh chfn chage
  gpasswd expiry vipw vigr chpasswd adduser addgroup deluser delgroup useradd usermod userdel groupadd groupmod groupdel
  mount umount losetup mknod mkfifo chroot unshare nsenter pivot_root switch_root capsh setcap getcap getpcaps
  nc nc.* netcat ncat socat telnet ftp tftp wget curl ssh ssh-* scp sftp rsync rcp rlogin rsh dig nslookup host
  ip ss tc ifconfig route arp iptables* ip6tables* nft tcpdump nmap ping ping6 traceroute* mtr
  dd hexdump hd xxd strings base32 base64 uuencode uudecode openssl gpg
  gdb gdbserver strace ltrace perf ld ld.bfd ld.gold as gcc gcc-* cc c++ g++ g++-* cpp cpp-* make objdump objcopy nm readelf *-linux-gnu*-*
  *-linux-musl*-*
  ed vi vim vim.* view nano pico emacs hexedit script scriptreplay screen tmux
  getty agetty sulogin wall write mesg watch nohup setsid start-stop-daemon killall pkill fuser lsof
`

export const rule = removePaths({
  id: 'dangerous-tools',
  title: 'tools that serve an intruder',
  reason: 'they bring programs in, read binaries, change modes and owners, or become somebody else',
  byDefault: true,
  globs: programs(...TOOLS.trim().split(/\s+/)),
})
