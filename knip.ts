import type { KnipConfig } from 'knip'

const config: KnipConfig = {
  entry: ['src/bin/*.ts', 'src/**/*.test.ts', 'test/**/*.test.ts', 'tools/*.{ts,mjs}', 'bench/*.ts'],
  project: ['src/**/*.ts', 'test/**/*.ts', 'tools/**/*.ts', 'bench/**/*.ts'],
  ignoreExportsUsedInFile: true,
  // Programs of the machine, which tools/setup.ts installs.
  ignoreBinaries: ['apt-get', 'dpkg-deb', 'ip', 'umount'],
}

export default config
