import { mkdirSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { engineNames, fixtureImage, testEngine } from '../test/engine/harness.ts'
import { cacheDir } from '../test/engine/packages.ts'

/*
 * Records what the four engines really answer into test/fixtures/engine, for the tests of the parsers. Run it as
 * root when an engine version or a parsed field is added, and look at the difference.
 */

const folder = join(import.meta.dirname, '../test/fixtures/engine')
const run = [
  [
    '--user',
    '1000',
    '--tmpfs',
    '/run',
    '--mount',
    'type=tmpfs,target=/scratch',
    '--volume',
    '/usr:/host/usr:ro',
  ],
  ['--volume', 'data:/data', '--memory', '64m', '--pids-limit', '50', '--cpu-shares', '512', '--read-only'],
  ['--cap-drop', 'net_raw', '--cap-add', 'CAP_SYS_TIME', '--security-opt', 'no-new-privileges'],
  ['--health-cmd', 'true', '--restart', 'on-failure:3', '--env', 'A=1'],
].flat()

for (const name of engineNames) {
  const engine = await testEngine(name)
  const { id } = await engine.run({ name: 'web', args: run, labels: { 'paddock.expect': '/run/**' } })
  const paths = {
    version: '/version',
    info: '/v1.41/info',
    containers: '/v1.41/containers/json?all=1',
    container: `/v1.41/containers/${id}/json`,
    images: '/v1.41/images/json',
    image: `/v1.41/images/${fixtureImage}/json`,
    history: `/v1.41/images/${fixtureImage}/history`,
    networks: '/v1.41/networks',
  }
  mkdirSync(join(folder, name), { recursive: true })
  for (const [what, path] of Object.entries(paths)) {
    const text = JSON.stringify(await get(engine.address.slice('unix://'.length), path), null, 1)
    // Of this machine and run nothing stays but what the engine made of it.
    const own = text
      .replaceAll(engine.dataRoot, '/var/lib/engine')
      .replaceAll(/\/var\/tmp\/paddock-test-\w+/g, '/run/engine')
      .replaceAll(cacheDir, '/opt/engine')
      .replaceAll(`"${hostname()}"`, '"host"')
    writeFileSync(join(folder, name, `${what}.json`), `${own}\n`)
  }
}

function get(socketPath: string, path: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    request({ socketPath, path }, (response) => resolve(json(response)))
      .on('error', reject)
      .end()
  })
}
