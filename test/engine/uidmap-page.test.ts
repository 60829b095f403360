import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { test } from 'node:test'
import { treeDigest } from '../fixtures/tree-digest.ts'
import { fixtureImage, testEngine } from './harness.ts'

/*
 * docs/uidmap.md, done: every line of its shell blocks, in order, in one shell, as root of a machine with data. The
 * machine is the daemon's mount namespace, with an /etc and a /srv of its own.
 */

const page = readFileSync('docs/uidmap.md', 'utf8')

test('a reader of docs/uidmap.md goes from a stock Docker to remapped and back, on a machine with data', async () => {
  const engine = await testEngine('docker-etc', { own: true })
  const root = dirname(engine.dataRoot)
  const inside = (script: string, env: NodeJS.ProcessEnv = {}) =>
    spawnSync('nsenter', [`--mount=/proc/${engine.pid}/ns/mnt`, 'bash', '-c', script], {
      encoding: 'utf8',
      env: { ...engine.env, PADDOCK_STATE_DIR: join(root, 'state'), ...env },
    })

  const srv = join(root, 'machine')
  mkdirSync(join(srv, 'web'), { recursive: true })
  chmodSync(srv, 0o755)
  writeFileSync(join(srv, 'web/old'), 'data from before\n')
  for (const path of ['web', 'web/old']) chownSync(join(srv, path), 1000, 1000)
  chmodSync(join(srv, 'web'), 0o700)
  chmodSync(join(srv, 'web/old'), 0o600)
  assert.equal(inside(`mount --bind ${srv} /srv`).status, 0)

  const maker = await engine.cli('create', fixtureImage, 'sleep', '1000000')
  await engine.cli('commit', '--change', 'CMD ["sleep","1000000"]', maker, 'web:1')
  await engine.cli('rm', maker)
  const stock = blocks('').find((text) => text.startsWith('docker run')) ?? ''
  const made = inside(
    `${stock} && docker exec --user 0 web sh -c 'echo cached > /cache/old; chown -R 1000:1000 /cache'`,
  )
  assert.equal(made.status, 0, made.stderr)
  const before = { etc: treeDigest(join(root, 'etc')), data: owners() }

  const bin = join(root, 'bin')
  mkdirSync(bin)
  const paddock = `#!/bin/sh\nexec ${process.execPath} ${resolve('src/bin/paddock.ts')} "$@"\n`
  writeFileSync(join(bin, 'paddock'), paddock, { mode: 0o755 })
  const lines = blocks('sh').join('\n').split('\n')
  assert.ok(lines.length > 20)
  const { stdout, stderr, status } = inside(asScript(lines), { PATH: `${bin}:${engine.env['PATH'] ?? ''}` })
  assert.equal(status, 0, `${stdout}\n${stderr}`)

  // What the page promises on the way.
  assert.match(stdout, /dapp:\*:201000:/)
  assert.match(stdout, /web:app \(1000\) is uid 201000 of the host/)
  assert.equal(stdout.match(/^data from before\ncached$/gm)?.length, 2)
  assert.equal(treeDigest(join(root, 'etc')), before.etc)
  assert.deepEqual(owners(), before.data)

  function owners() {
    return ['web', 'web/old'].map((path) => {
      const { uid, gid, mode } = lstatSync(join(srv, path))
      return `${uid}:${gid} ${mode.toString(8)}`
    })
  }
})

/** The fenced blocks of a language. */
function blocks(language: string): string[] {
  return [...page.matchAll(/^```(\w*)\n(.*?)^```$/gms)]
    .filter(([, name]) => name === language)
    .map(([, , text = '']) => text.trim())
}

/** Each line must end as the page says: "# exit 1", else 0. */
function asScript(lines: readonly string[]): string {
  return lines
    .filter((line) => line.trim() !== '')
    .map((line, index) => {
      const expected = /# exit (\d)$/.exec(line)?.[1] ?? '0'
      return `${line}\ncode=$?; [ $code -eq ${expected} ] || { echo "exit $code: line ${index}" >&2; exit 9; }`
    })
    .join('\n')
}
