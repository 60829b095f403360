import type { KnipConfig } from 'knip'

const config: KnipConfig = {
  entry: ['src/bin/*.ts', 'src/**/*.test.ts', 'test/**/*.test.ts', 'tools/*.{ts,mjs}', 'bench/*.ts'],
  project: ['src/**/*.ts', 'test/**/*.ts', 'tools/**/*.ts', 'bench/**/*.ts'],
  ignoreExportsUsedInFile: true,
}

export default config
