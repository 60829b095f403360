// Plain JavaScript with no dependency: it runs under whatever Node the machine has, before Node 24 is there.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const installed = join(root, 'node_modules/.package-lock.json')
const wanted = join(root, 'package-lock.json')
const nodeBinary = join(root, 'node_modules/.bin/node')

function upToDate() {
  if (!existsSync(installed) || !existsSync(nodeBinary)) return false
  const [have, want] = [installed, wanted].map((file) => JSON.parse(readFileSync(file, 'utf8')).packages)
  return Object.entries(want).every(
    ([name, entry]) => name === '' || entry.optional || have[name]?.version === entry.version,
  )
}

if (!upToDate()) {
  console.error('paddock: installing the npm packages that package-lock.json lists …')
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: root, stdio: ['ignore', 2, 2] })
}
