import { readFileSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle } from './build.ts'

const root = join(import.meta.dirname, '..')

/** The list that a review sees when root's code grows. */
export const committedList = join(root, 'src/sensor/closure.txt')

/** The sensor, and the first files of its threads. */
export const sensorPrograms = ['sensor', 'verdict-worker', 'kernel-worker', 'self-test-worker'].map(
  (name) => `src/bin/${name}.ts`,
)

/**
 * Everything that programs may load, one name a line: our files by path, packages by name, as the bundler's import
 * graph has it (imports of types only are none; those made at run time are).
 */
export async function importClosure(entries: readonly string[]): Promise<string> {
  const { inputs } = await bundle(entries, null)
  const seen = new Set<string>()
  const waiting = [...entries]
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path)) continue
    seen.add(path)
    for (const { path: imported, external } of inputs[path]?.imports ?? [])
      if (external !== true) waiting.push(imported)
      else if (!isBuiltin(imported) && imported !== '<runtime>') seen.add(`package ${imported}`)
  }
  const names = [...seen].map((path) => {
    const name = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]
    return name === undefined ? path : `package ${name}`
  })
  return `${[...new Set(names)].sort().join('\n')}\n`
}

/** `node tools/closure.ts` prints what the sensor may load; `--write` commits to it. */
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const closure = await importClosure(sensorPrograms)
  if (process.argv.includes('--write')) writeFileSync(committedList, closure)
  else process.stdout.write(closure)
  const lines = closure
    .split('\n')
    .filter((path) => path.startsWith('src/'))
    .reduce((sum, path) => sum + readFileSync(join(root, path), 'utf8').split('\n').length - 1, 0)
  console.error(`${lines} lines of our own run as root`)
}
