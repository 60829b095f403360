import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openEngine } from '../../src/engine/client.ts'
import { openWriter } from '../../src/engine/writer.ts'
import { harden } from '../../src/harden/harden.ts'
import { takeIn } from '../../src/harden/image-stream.ts'
import { pathOf, readContent, walk } from '../../src/harden/image-tree.ts'
import { runDocker } from './docker-client.ts'
import { fixtureImage, testEngine } from './harness.ts'

/*
 * A container that knows that it is traced and would like to get files of the host into the new image, to have what it was not
 * given, or to end whoever watches.
 */

const folder = mkdtempSync('/var/tmp/paddock-hostile-')
after(() => {
  rmSync(folder, { recursive: true, force: true })
})

test('nothing of the host and nothing that it made itself comes into the image, and what it used stays', async () => {
  const engine = await testEngine('docker')
  const secret = join(folder, 'secret')
  writeFileSync(secret, 'of the host')
  const [image, hardened] = [`${engine.prefix}hostile:1`, `${engine.prefix}hostile:2`]
  const script = `#!/bin/sh
up=../../../../../../../..
# Links out of it, swapped while it is looked at.
for each in 1 2 3 4 5 6 7 8 9; do ln -sfn $up${secret} /tmp/link; cat /tmp/link; ln -sfn /etc/passwd /tmp/link; cat /tmp/link; done
# The host's file by every way that a name may take.
cat ${secret} $up${secret} /proc/1/root${secret} /proc/self/root/$up${secret} /proc/1/cwd/$up${secret}
ln -s ${folder} /opt/host; ls /opt/host/; mkdir -p ${folder}; echo made here > ${secret}
# Paths that are no text, too long, or without end.
stat "$(printf '/\\377\\376\\n\\033[2J')" "/$(printf 'a/%.0s' $(seq 3000))"
n=0; while [ $n -lt 2000 ]; do n=$((n+1)); [ -e /opt/none-$n ]; done
# A root of its own, in which the loader is another.
mkdir -p /tmp/jail/bin; cp /bin/busybox /tmp/jail/bin/busybox; chroot /jail /bin/busybox test -e /only-looked-at
# Whoever watches is sent a signal, were it here; stops itself, and is continued.
kill -9 -1; sh -c 'kill -STOP $$' & sleep 0.2; kill -CONT $!
exec httpd -f -p 8080 -h /srv
`
  const dockerfile = `FROM ${fixtureImage}
COPY run /run-me
RUN mkdir -p /srv /opt /jail/bin && cp /bin/busybox /jail/bin/busybox && echo x > /jail/only-looked-at && echo x > /jail/never
EXPOSE 8080
STOPSIGNAL SIGKILL
CMD ["/run-me"]
`
  const context = mkdtempSync(join(folder, 'context-'))
  writeFileSync(join(context, 'run'), script, { mode: 0o755 })
  writeFileSync(join(context, 'Dockerfile'), dockerfile)
  await runDocker(engine.address, ['build', '--quiet', '--network', 'none', '--tag', image, context])

  const reader = await openEngine(engine.address.slice('unix://'.length))
  const signal = new AbortController().signal
  const options = { image, tag: hardened, keep: [], without: [], with: [], trace: true, signal }
  const result = await harden(reader, { ...options, test: { commands: ['true'], folder: '/', env: [] } })
  assert.ok(result.ok, JSON.stringify(result.test))

  const writer = await openWriter(reader, signal)
  const [before, left] = [
    await takeIn(writer.saveImages([image])),
    await takeIn(writer.saveImages([hardened])),
  ]
  const known = new Set([...walk(before.tree())].map(pathOf))
  const nodes = [...walk(left.tree())]
  assert.deepEqual(
    nodes.map(pathOf).filter((path) => !known.has(path)),
    [],
    'nothing that the old image has not',
  )
  for (const { name, inode } of nodes)
    if (name !== 'run-me')
      assert.doesNotMatch(readContent(inode, 1000).toString('latin1'), /of the host|made here/)
  const paths = new Set(nodes.map(pathOf))
  assert.ok(paths.has('/jail/only-looked-at'), 'what was looked at behind a root of its own')
  assert.ok(!paths.has('/jail/never'))
  before.close()
  left.close()
})
