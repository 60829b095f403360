#!/bin/sh
# The machine's own tree with a layer over it, as the disk of another host, which is started until it powers off.
# In a mount namespace of its own. Arguments: the run's folder; the script that starts.
set -e
run=$1 start=$2 root=$1/root
mount --make-rprivate /
mkdir -p "$run/memory" "$root" "$run/docker" "$run/paddock"
mount -t tmpfs -o mode=755 tmpfs "$run/memory"
mkdir "$run/memory/upper" "$run/memory/work"
mount -t overlay -o "lowerdir=/,upperdir=$run/memory/upper,workdir=$run/memory/work" overlay "$root"

# Nothing that this machine starts, and nothing of an engine or a Paddock that it may have.
rm -rf "$root/etc/systemd/system" "$root"/etc/rc?.d "$root/etc/docker" "$root/etc/paddock" \
  "$root/var/lib/docker" "$root/var/lib/paddock" "$root/var/log/journal"
mkdir -p "$root/etc/systemd/system" "$root/var/lib/docker" "$root/var/lib/paddock"
units=$root/etc/systemd/system
ln -s /lib/systemd/system/multi-user.target "$units/default.target"
# They are for a machine with a kernel, devices and terminals of its own.
for unit in systemd-modules-load systemd-sysctl systemd-binfmt systemd-udevd systemd-udev-trigger systemd-remount-fs \
  systemd-timesyncd systemd-networkd systemd-resolved systemd-logind console-getty getty@tty1; do
  ln -s /dev/null "$units/$unit.service"
done
# An engine's layers, and the sensor's own, cannot lie on an overlay.
mount --bind "$run/docker" "$root/var/lib/docker"
mount --bind "$run/paddock" "$root/var/lib/paddock"

# 129: process 1 of a process-id namespace asked the kernel to restart (reboot(2)).
code=129
while [ "$code" = 129 ]; do
  code=0
  setpriv --pdeathsig KILL unshare --pid --mount --cgroup --ipc --uts --net --fork --kill-child \
    sh "$start" "$root" || code=$?
done
