import type { KnipConfig } from 'knip'

const config: KnipConfig = {
  entry: ['src/bin/*.ts', 'src/**/*.test.ts', 'test/**/*.test.ts', 'tools/*.{ts,mjs}', 'bench/*.ts'],
  // What stands ready for the parts that are built on it next: paddock cow diff, the sensor's judging side.
  ignore: ['src/cow/look-up-path.ts', 'src/sensor/ports.ts', 'src/protocol/requests.ts'],
  project: ['src/**/*.ts', 'test/**/*.ts', 'tools/**/*.ts', 'bench/**/*.ts'],
  ignoreExportsUsedInFile: true,
  // Programs of the machine, which tools/setup.ts installs.
  ignoreBinaries: ['apt-get', 'dpkg-deb', 'ip', 'mkfifo', 'mount', 'umount', 'unshare'],
}

export default config
