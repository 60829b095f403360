import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseRules } from './choose-rules.ts'
import { listing, taken, type FileSpec } from './image.fixture.ts'
import { strip } from './strip.ts'

const status = (name: string, priority: string) =>
  `Package: ${name}\nStatus: install ok installed\nPriority: ${priority}\nArchitecture: amd64\nVersion: 1\n\n`
const elf = (name: string, text = ''): FileSpec => ({ name, content: `\x7fELF ${text}`, mode: 0o755 })
const lib = 'usr/lib/x86_64-linux-gnu'

/** A distribution whose base has tools and a script that names one of them, and a service that was installed on it. */
const image: FileSpec[] = [
  { name: 'var/lib/dpkg/status', content: status('base', 'required') + status('served', 'optional') },
  {
    name: 'var/lib/dpkg/info/base.list',
    content:
      ['find', 'grep', 'cut', 'sh'].map((name) => `/usr/bin/${name}\n`).join('') + '/usr/lib/base/clean-up\n',
  },
  { name: 'var/lib/dpkg/info/served.list', content: '/usr/sbin/served\n/usr/share/served/rotate\n' },
  ...['find', 'grep', 'cut', 'sh'].map((name) => elf(`usr/bin/${name}`)),
  { name: 'usr/lib/base/clean-up', content: '#!/usr/bin/sh\nexec find / -type f\n', mode: 0o755 },
  elf('usr/sbin/served', 'runs /usr/bin/cut and loads libplug.so'),
  { name: 'usr/share/served/rotate', content: '#!/usr/bin/sh\ngrep -q x && echo\n', mode: 0o755 },
  // Of a package manager that is gone: its library still names a shell.
  elf(`${lib}/libmanager.so.1`, '/usr/bin/find'),
  elf(`${lib}/libplug.so.1`),
  elf(`${lib}/libidle.so.1`),
  elf(`${lib}/served/libidle.so.1`),
]

async function left(without: readonly string[]) {
  const source = await taken([image], { Cmd: ['/usr/sbin/served'] })
  const { isOn } = chooseRules({ without, with: [] })
  const { root, rules } = strip(source.tree(), source.config, { keep: [], isOn, observed: null, data: [] })
  const files = listing(root).flatMap((line) => (line.includes(' file ') ? [line.split(' ')[0] ?? ''] : []))
  const by = rules.flatMap(({ rule, deeds }) => deeds.map(({ path }) => `${rule.id} ${path}`))
  source.close()
  return { files, by }
}

test('of the base stays what the service or what was added to the base names, not what the base names itself', async () => {
  const { files, by } = await left([])
  assert.deepEqual(
    files.filter((path) => path.startsWith('/usr/bin/')),
    ['/usr/bin/cut', '/usr/bin/grep', '/usr/bin/sh'],
  )
  assert.ok(by.includes('base-programs /usr/bin/find'))
  assert.ok((await left(['base-programs'])).files.includes('/usr/bin/find'))
})

test('a library that nothing names goes; one named in a program, and a plug-in of its own folder, stay', async () => {
  const { files, by } = await left([])
  assert.deepEqual(
    files.filter((path) => path.startsWith(`/${lib}`)),
    [`/${lib}/libplug.so.1`, `/${lib}/served/libidle.so.1`],
  )
  assert.ok(by.includes(`unused-libraries /${lib}/libidle.so.1`))
  assert.ok((await left(['unused-libraries'])).files.includes(`/${lib}/libidle.so.1`))
})
