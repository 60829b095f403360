#!/bin/sh
# Becomes the first process of the host whose tree is given, in namespaces of its own.
set -e
root=$1
mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount --bind "$root/proc/sys/net" "$root/proc/sys/net"
mount -t sysfs -o ro sysfs "$root/sys"
# Every hierarchy that the machine has, from this process's own group down.
if ! grep -q ' /sys/fs/cgroup .* - cgroup2 ' /proc/self/mountinfo; then
  mount -t tmpfs -o mode=755 tmpfs "$root/sys/fs/cgroup"
fi
grep -E ' - cgroup2? ' /proc/self/mountinfo | while read -r _ _ _ _ at rest; do
  type=${rest##* - } options=${rest##* }
  type=${type%% *} options=${options#rw}
  mkdir -p "$root$at"
  mount -t "$type" -o "rw$options" "$type" "$root$at"
done
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
while read -r name major minor; do
  mknod -m 666 "$root/dev/$name" c "$major" "$minor"
done <<END
null 1 3
zero 1 5
full 1 7
random 1 8
urandom 1 9
tty 5 0
console 1 3
END
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
ip link set lo up
cd "$root"
mkdir run/old
pivot_root . run/old
umount -l /run/old
rmdir /run/old
cd /
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=paddock /lib/systemd/systemd </dev/null
