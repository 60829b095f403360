import { chmodSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Metafile } from 'esbuild'

const root = join(import.meta.dirname, '..')

/** Every file of src/bin, which is a program or a worker's first file. */
export function programs(): string[] {
  return globSync('src/bin/*.ts', { cwd: root }).sort()
}

/** The npm packages whose code is in the bundle, by the paths of its files. */
export function bundledPackages(metafile: Metafile): string[] {
  const names = Object.keys(metafile.inputs).flatMap(
    (path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? [],
  )
  return [...new Set(names)].sort()
}

/** Their licences travel with their code. */
function licences(packages: readonly string[]): string {
  return packages
    .map((name) => {
      const [file] = globSync('{LICENSE,LICENCE,license}*', { cwd: join(root, 'node_modules', name) })
      if (file === undefined) throw new Error(`the package ${name} has no licence file`)
      return `${name}\n\n${readFileSync(join(root, 'node_modules', name, file), 'utf8')}`
    })
    .join('\n----\n\n')
}

/**
 * Bundles programs into `outdir`, flat: `src/bin/sensor.ts` becomes `sensor.js`, and what two share a chunk beside
 * it, so that `new URL('./x.js', import.meta.url)` names a neighbour from wherever it stands.
 * @returns esbuild's metafile: which file imports which
 */
export async function bundle(entries: readonly string[], outdir: string | null): Promise<Metafile> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [...entries],
    outdir: outdir ?? join(root, 'dist'),
    write: outdir !== null,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    chunkNames: '[name]-[hash]',
    // Native: found beside its prebuilt libraries in node_modules.
    external: ['koffi'],
    // Packages of the older module format ask for Node's own modules by `require`.
    banner: {
      js: "import { createRequire as paddockRequire } from 'node:module';\nconst require = paddockRequire(import.meta.url);",
    },
    metafile: true,
    logLevel: 'warning',
  })
  return metafile
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const dist = join(root, 'dist')
  rmSync(dist, { recursive: true, force: true })
  const metafile = await bundle(programs(), dist)
  writeFileSync(join(dist, 'metafile.json'), JSON.stringify(metafile))
  writeFileSync(join(dist, 'licences.txt'), licences(bundledPackages(metafile)))
  for (const entry of programs()) chmodSync(join(dist, basename(entry).replace(/\.ts$/, '.js')), 0o755)
  const bytes = Object.values(metafile.outputs).reduce((sum, output) => sum + output.bytes, 0)
  console.error(`dist/: ${programs().length} programs, ${Math.round(bytes / 1024)} KiB`)
}
