import { kernelAbilities } from '../../src/audit/doctor/kernel-abilities.ts'
import type { Guest, Said } from './boot.ts'

const head = `# Kernels

What Paddock needs of a kernel, tried on each and not guessed from its number: distributions carry
abilities back to older kernels. \`paddock doctor\` tries the same on your host, and says what is lost without one.

This page is written by \`npm run test:kernels\`, which boots Debian's kernels under QEMU (software emulation, an
ext4 disk, no engine) with this code; the last column is the machine that ran it.
`

/** docs/kernels.md: a row an ability or test, a column a kernel. */
export function kernelTable(kernels: readonly Pick<Guest, 'release' | 'said'>[]): string {
  const columns = kernels.map(({ release }) => version(release))
  const rows = kernelAbilities.map(({ id, title, lost }) => [
    title,
    ...kernels.map(({ said }) => word(said, 'ability', id)),
    lost,
  ])
  const tests = [
    ...new Set(
      kernels.flatMap(({ said }) => said.filter(({ kind }) => kind === 'test').map(({ name }) => name)),
    ),
  ]
  const tested = tests.map((name) => [name, ...kernels.map(({ said }) => word(said, 'test', name))])
  return [
    head,
    table(['ability', ...columns, 'lost without it'], rows),
    ...(tests.length === 0
      ? []
      : ['The sensor itself, on each kernel:\n', table(['test', ...columns], tested)]),
  ].join('\n')
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [titles, titles.map(() => '---'), ...rows]
  return lines
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`)
    .join('')
}

function word(said: readonly Said[], kind: Said['kind'], name: string): string {
  const found = said.find((one) => one.kind === kind && one.name === name)
  return found === undefined ? '' : found.ok ? 'yes' : 'no'
}

/** "6.1.0" of "6.1.0-50-cloud-amd64". */
function version(release: string): string {
  return /^[\d.]+/.exec(release)?.[0] ?? release
}
