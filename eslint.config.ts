import { type Config, defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'

/**
 * Who may import whom (docs/architecture.md). A folder sees itself, `lib`, and what its row names.
 * What imports nothing of ours but `lib` has an empty row.
 */
const layers: Record<string, readonly string[]> = {
  lib: [],
  protocol: [],
  engine: ['protocol'],
  policy: ['engine', 'protocol', 'cow/change'],
  cow: ['engine', 'protocol', 'policy/policy'],
  sensor: ['cow', 'policy', 'engine', 'protocol'],
  alerts: ['policy/policy', 'policy/severity', 'policy/literal', 'protocol'],
  watch: ['alerts', 'policy/policy', 'policy/severity', 'protocol'],
  harden: ['cow', 'policy', 'engine', 'protocol', 'sensor'],
  uidmap: ['cow', 'policy', 'engine', 'protocol'],
  services: ['harden', 'uidmap', 'cow', 'policy', 'engine', 'protocol'],
  audit: ['harden', 'uidmap', 'cow', 'policy', 'engine', 'protocol'],
  cli: [
    'harden',
    'uidmap',
    'services',
    'audit',
    'alerts',
    'cow',
    'policy',
    'engine',
    'protocol',
    'sensor',
    'watch',
  ],
  bin: ['cli', 'harden', 'sensor', 'watch', 'engine', 'policy', 'protocol', 'alerts', 'cow'],
}

function forbidden(folder: string, allowed: readonly string[]): string {
  const visible = [folder, 'lib', ...allowed].map((path) =>
    path.includes('/') ? `${path}\\.ts$` : `${path}/`,
  )
  // From any depth of src/<folder>: "../<layer>/…", "../../<layer>/…", where <layer> is none of the visible ones.
  const names = Object.keys(layers).join('|')
  return `^(\\.\\./)+(?!${visible.join('|')})(${names})/`
}

export default defineConfig(
  { ignores: ['dist/', 'node_modules/', '.cache/', '**/*.js', '**/*.mjs'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { ignoreRestSiblings: true, argsIgnorePattern: '^_', varsIgnorePattern: '^_$' },
      ],
      'no-restricted-syntax': ['error', { selector: 'ExportDefaultDeclaration', message: 'Export by name.' }],
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
      eqeqeq: 'error',
    },
  },
  ...Object.entries(layers).map(([folder, allowed]): Config => ({
    files: [`src/${folder}/**/*.ts`],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: forbidden(folder, allowed),
              message: `src/${folder} may import only itself, lib${allowed.map((name) => `, ${name}`).join('')} (the layer table in eslint.config.ts).`,
            },
          ],
        },
      ],
    },
  })),
  {
    files: ['src/**/*.ts'],
    ignores: ['src/bin/**'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'exit', message: 'Only src/bin exits; throw a UserError.' },
      ],
    },
  },
  {
    files: ['**/*.ts'],
    ignores: ['src/lib/libc/library.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        { paths: [{ name: 'koffi', message: 'The only FFI is src/lib/libc; declare the call there.' }] },
      ],
    },
  },
  {
    files: ['src/**/*.test.ts', 'test/**/*.ts', 'bench/**/*.ts', 'tools/**/*.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            {
              from: 'package',
              package: 'node:test',
              name: ['test', 'describe', 'it', 'suite', 'before', 'after', 'beforeEach', 'afterEach'],
            },
          ],
        },
      ],
    },
  },
  { files: ['eslint.config.ts', 'knip.ts'], rules: { 'no-restricted-syntax': 'off' } },
)
