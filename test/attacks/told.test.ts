import { after, test } from 'node:test'
import assert from 'node:assert/strict'
import { debianImage, testEngine } from '../engine/harness.ts'
import { sensorOn } from './sensor-under-test.ts'

/* What the kernel asks nobody about, and so nobody can deny, is told all the same (docs/threats.md). */

const engine = await testEngine('docker', { own: true })
const image = await debianImage(engine, { tag: 'paddock-test/python:1', packages: ['python3'] })
const under = await sensorOn(engine, { exec: 'deny' })
after(() => under.stop())

test('a program that is only in memory runs, and is told by the process connector', async () => {
  const container = await engine.run({ name: 'memory', image })
  const script = `import os
fd = os.memfd_create('hidden')
os.write(fd, open('/bin/sleep', 'rb').read())
if os.fork() == 0:
    os.execve(fd, ['sleep', '5'], {})
os.wait()`
  await container.exec('python3', '-c', script)
  const finding = await under.finding(
    'a program in memory',
    ({ container: of, exec }) => of?.id === container.id && exec?.from === 'memfd',
  )
  assert.equal(finding.source, 'process-connector')
  assert.equal(finding.exec?.verdict, 'allowed')
  assert.match(finding.path?.path ?? '', /^\/memfd:hidden/)
})

test('a script that an interpreter reads, and a library that is loaded, are told as they are written', async () => {
  const container = await engine.run({ name: 'read', image })
  const script = `import ctypes, glob, shutil, subprocess, sys
open('/tmp/script.py', 'w').write('print(1)')
subprocess.run([sys.executable, '/tmp/script.py'], check=True)
shutil.copy(glob.glob('/lib/*/libm.so.6')[0], '/tmp/library.so')
ctypes.CDLL('/tmp/library.so')`
  await container.exec('python3', '-c', script)
  for (const path of ['/tmp/script.py', '/tmp/library.so']) {
    const finding = await under.finding(
      path,
      ({ container: of, change, path: at }) =>
        of?.id === container.id && change !== undefined && at?.path === path,
    )
    assert.ok(under.kept.has(finding.evidence?.[0]?.sha256 ?? ''), 'with its bytes')
  }
})

test('what runs from a file system that the container mounted itself is told, in its own namespace or in another', async () => {
  const container = await engine.run({
    name: 'mounts',
    image,
    args: ['--cap-add=SYS_ADMIN', '--security-opt=seccomp=unconfined', '--security-opt=apparmor=unconfined'],
  })
  const script = 'mount -t tmpfs none /mnt && cp /bin/sleep /mnt/$0 && /mnt/$0 5'
  await Promise.all([
    container.exec('sh', '-c', script, 'same'),
    container.exec('unshare', '--mount', 'sh', '-c', script, 'other'),
  ])
  for (const name of ['same', 'other']) {
    const finding = await under.finding(
      `/mnt/${name}`,
      ({ container: of, exec, path }) =>
        of?.id === container.id && exec !== undefined && path?.path === `/mnt/${name}`,
    )
    assert.equal(finding.exec?.verdict, 'allowed')
    assert.match(finding.summary, /mounted itself/)
  }
})
