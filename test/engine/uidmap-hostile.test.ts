import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { runPaddock } from '../fixtures/run-paddock.ts'
import { testEngine } from './harness.ts'

/* Images and containers whose passwd is what an intruder made of it. */

describe('hostile accounts', async () => {
  const engine = await testEngine('docker-userns', { own: true })
  const base = mkdtempSync('/var/tmp/paddock-uidmap-hostile-')
  after(() => {
    rmSync(base, { recursive: true })
  })
  mkdirSync(join(base, 'etc'))
  writeFileSync(join(base, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/bash\n')
  writeFileSync(join(base, 'etc/group'), 'root:x:0:\n')
  const uidmap = (...args: string[]) =>
    runPaddock(['uidmap', ...args, '--engine', engine.address, '--root', base])

  /** An image of an etc and the test's busybox. */
  async function image(name: string, make: (etc: string) => void): Promise<string> {
    const folder = join(base, name)
    mkdirSync(join(folder, 'etc'), { recursive: true })
    make(join(folder, 'etc'))
    const tag = `${engine.prefix}${name}:1`
    execFileSync('tar', ['-cf', `${folder}.tar`, '-C', folder, '.'])
    await engine.cli('import', `${folder}.tar`, tag)
    return tag
  }

  test('what an image calls its users never leads out of it, nor past a line, nor without end', async () => {
    const tags = [
      await image('link', (etc) => symlinkSync('/etc/passwd', join(etc, 'passwd'))),
      await image('up', (etc) => symlinkSync('../../../../../etc/passwd', join(etc, 'passwd'))),
      await image('long', (etc) => writeFileSync(join(etc, 'passwd'), 'u:x:5:5::/:\n'.repeat(900_000))),
      await image('fifo', (etc) => execFileSync('mkfifo', [join(etc, 'passwd')])),
      await image('folder', (etc) => mkdirSync(join(etc, 'passwd'))),
      await image('odd', (etc) =>
        writeFileSync(
          join(etc, 'passwd'),
          'a\rb:x:6:6::/:\nroot::0:0::/:/bin/bash:x\n\nx:y\n\x1b[2J:x:7:7::/:\nfine:x:8:8:x:/:\n',
        ),
      ),
    ]
    const { code, stdout, stderr } = await uidmap('names', '--json')
    assert.equal(code, 0, stderr)
    const { users } = JSON.parse(stdout) as { users: readonly { name: string; hostId: number }[] }
    const own = users.map(({ name }) => name)
    assert.ok(own.includes('dfine'))
    // The host's own accounts, and the five megabytes of one, are in nobody's image.
    assert.ok(!own.includes('du') && !own.includes('ddaemon'), own.join())
    assert.ok(own.every((name) => /^d[a-z0-9_-]+$/.test(name)))
    for (const tag of tags) await engine.cli('rmi', tag)
  })

  test('a container that writes 10 MB of passwd, or makes it a link to the host, is still looked at', async () => {
    for (const script of [
      'head -c 10000000 /dev/zero | tr "\\0" "a" > /etc/passwd',
      'rm /etc/passwd; ln -s /proc/1/root/etc/shadow /etc/passwd',
      'rm /etc/passwd; mkfifo /etc/passwd',
    ]) {
      const container = await engine.run({
        command: ['sh', '-c', `${script}; exec sleep 1000000`],
        args: ['-v', `${base}:/data`],
      })
      const answer = await uidmap('resolve', `${container.name}:33`, '--json')
      assert.equal(answer.code, 0, answer.stderr)
      const [found] = (
        JSON.parse(answer.stdout) as { answers: readonly { inside: unknown; host: { id: number } }[] }
      ).answers
      assert.deepEqual([found?.inside, found?.host.id], [{ id: 33, name: null }, 2_000_000_033])
      const check = await uidmap('check', container.name)
      assert.equal(check.code, 1, check.stderr)
      await engine.cli('rm', '-f', container.id)
    }
  })
})
