import type { KnipConfig } from 'knip'

const config: KnipConfig = {
  entry: [
    'src/bin/*.ts',
    'src/**/*.test.ts',
    'test/**/*.test.ts',
    'tools/*.{ts,mjs}',
    'bench/*.ts',
    'test/kernels/{kernels,guest}.ts',
  ],
  project: ['src/**/*.ts', 'test/**/*.ts', 'tools/**/*.ts', 'bench/**/*.ts'],
  ignoreExportsUsedInFile: true,
  // Programs of the machine, which tools/setup.ts installs.
  ignoreBinaries: [
    'cc',
    'du',
    'ldd',
    'qemu-system-x86_64',
    'script',
    'xz',
    'apt-get',
    'dpkg-deb',
    'ip',
    'getent',
    'mkfifo',
    'openssl',
    'mount',
    'nsenter',
    'openssl',
    'patch',
    'setpriv',
    'mkfs.ext4',
    'systemd-analyze',
    'truncate',
    'umount',
    'unshare',
  ],
}

export default config
