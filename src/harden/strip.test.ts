import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { chooseRules } from './choose-rules.ts'
import { listing, taken, type FileSpec } from './image.fixture.ts'
import { compileKeep } from './keep-globs.ts'
import { rules } from './rules/table.ts'
import { strip } from './strip.ts'

const shell: FileSpec[] = [
  { name: 'bin/sh', content: '\x7fELF', mode: 0o755 },
  {
    name: 'app/run',
    content: '#!/bin/sh\n# wget is only mentioned here\nexec chmod-not /app/real "$@"; ls\n',
    mode: 0o755,
  },
  { name: 'app/real', content: '\x7fELF', mode: 0o755 },
  { name: 'bin/ls', content: '\x7fELF', mode: 0o755 },
]

async function stripped(
  entries: readonly FileSpec[],
  {
    config = {},
    keep = [],
    without = [],
    with: added = [],
  }: { config?: object; keep?: string[]; without?: string[]; with?: string[] } = {},
) {
  const image = await taken([entries], config)
  const result = strip(image.tree(), image.config, {
    keep: keep.map(compileKeep),
    isOn: chooseRules({ without, with: added }).isOn,
    observed: null,
    data: [],
  })
  const all = listing(result.root)
  image.close()
  const did = Object.fromEntries(
    result.rules.flatMap(({ rule, deeds }) =>
      deeds.map(({ path, did: what, change }) => [path, `${rule.id}: ${what} ${change}`.trim()]),
    ),
  )
  return { ...result, did, all, left: all.map((line) => line.split(' ')[0]) }
}

describe('what each rule takes away', () => {
  const cases: readonly (readonly [rule: string, entry: FileSpec, deed: string])[] = [
    ['package-manager', { name: 'usr/bin/apt-get', mode: 0o755 }, 'removed'],
    ['package-manager', { name: 'lib/apk/db/installed' }, 'removed'],
    ['init-scripts', { name: 'etc/init.d/x' }, 'removed'],
    ['kernel-settings', { name: 'etc/sysctl.conf' }, 'removed'],
    ['fstab', { name: 'etc/fstab' }, 'removed'],
    ['crontabs', { name: 'etc/crontabs/root' }, 'removed'],
    ['setuid', { name: 'opt/suid', mode: 0o4755 }, 'removed'],
    ['setuid', { name: 'opt/sgid', mode: 0o2755 }, 'removed'],
    ['backup-files', { name: 'etc/passwd-' }, 'removed'],
    ['backup-files', { name: 'srv/page.html~' }, 'removed'],
    ['docs', { name: 'usr/share/doc/x' }, 'removed'],
    ['man-pages', { name: 'usr/share/man/x' }, 'removed'],
    ['man-pages', { name: 'usr/share/postgresql/15/man/man1/psql.1.gz' }, 'removed'],
    ['locale-data', { name: 'usr/share/locale/de/x' }, 'removed'],
    ['caches', { name: 'var/cache/x' }, 'removed'],
    ['dangerous-tools', { name: 'usr/bin/od', mode: 0o755 }, 'removed'],
    ['dangerous-tools', { name: 'bin/su', mode: 0o755 }, 'removed'],
    ['dangerous-tools', { name: 'usr/bin/x86_64-linux-gnu-gcc-12', mode: 0o755 }, 'removed'],
    ['build-files', { name: 'usr/include/x.h' }, 'removed'],
    ['build-files', { name: 'usr/lib/x86_64-linux-gnu/libx.a' }, 'removed'],
    ['build-files', { name: 'usr/lib/gcc/x86_64-linux-gnu/12/cc1' }, 'removed'],
    ['admin-programs', { name: 'sbin/fdisk', mode: 0o755 }, 'removed'],
    ['devices', { name: 'dev/sda', type: 'block-device', major: 8 }, 'removed'],
    ['broken-links', { name: 'opt/link', type: 'symlink', linkName: '/none' }, 'removed'],
    ['world-writable', { name: 'srv/open', mode: 0o666 }, 'mode 0666 → 0664'],
    ['world-writable', { name: 'srv/folder/', type: 'directory', mode: 0o777 }, 'mode 0777 → 0775'],
    ['world-writable', { name: 'tmp/', type: 'directory', mode: 0o777 }, 'mode 0777 → 1777'],
    ['system-folders', { name: 'etc/', type: 'directory', mode: 0o775 }, 'mode 0775 → 0755'],
    ['login-shells', { name: 'etc/shells' }, 'removed'],
  ]
  for (const [rule, entry, deed] of cases) {
    test(`${rule}: ${entry.name}`, async () => {
      const { did } = await stripped([entry])
      const [path, said] = Object.entries(did).find(([where]) => `/${entry.name}`.startsWith(where)) ?? []
      assert.equal(said, `${rule}: ${deed}`, `${String(path)} of ${JSON.stringify(did)}`)
      const without = await stripped([entry], { without: [rule] })
      assert.ok(!Object.values(without.did).some((text) => text.startsWith(`${rule}:`)), 'the switch')
    })
  }

  test('every rule has its case, or a test of its own below or in base-programs.test.ts', () => {
    const own = ['accounts', 'base-programs', 'unused-libraries', 'sticky-tmp', 'unused']
    const tested = new Set([...cases.map(([rule]) => rule), ...own])
    assert.deepEqual(
      rules.filter(({ id }) => !tested.has(id)).map(({ id }) => id),
      [],
    )
  })

  test('what a compiler reads stays where one stays', async () => {
    const entries = [{ name: 'usr/bin/gcc', mode: 0o755 }, { name: 'usr/include/x.h' }]
    for (const options of [{ keep: ['/usr/bin/gcc'] }, { without: ['dangerous-tools'] }])
      assert.deepEqual((await stripped(entries, options)).did, {})
    assert.deepEqual(Object.keys((await stripped(entries)).did), ['/usr/bin/gcc', '/usr/include'])
  })

  test('sticky-tmp is off by default', async () => {
    const tmp: FileSpec = { name: 'tmp/', type: 'directory', mode: 0o1777 }
    assert.deepEqual((await stripped([tmp])).did, {})
    assert.deepEqual((await stripped([tmp], { with: ['sticky-tmp'] })).did, {
      '/tmp': 'sticky-tmp: mode 1777 → 0755',
    })
  })
})

describe('what the service needs stays', () => {
  test('programs that the entrypoint’s script names, not those it only mentions in a comment', async () => {
    const tools = [
      { name: 'usr/bin/wget', mode: 0o755 },
      { name: 'sbin/fdisk', mode: 0o755 },
    ]
    const { left } = await stripped([...shell, ...tools], { config: { Entrypoint: ['/app/run'] } })
    assert.deepEqual(
      left.filter((path) => /\/(sh|ls|real|run|wget|fdisk)$/.test(path ?? '')),
      ['/app/real', '/app/run', '/bin/ls', '/bin/sh'],
    )
  })

  test('the health check’s tool stays, and one that is missing is told', async () => {
    const config = { Healthcheck: { Test: ['CMD-SHELL', 'curl -fsS http://127.0.0.1/ || wget -q x'] } }
    const { left, healthCheck } = await stripped(
      [...shell, { name: 'usr/bin/curl', content: 'x', mode: 0o755 }],
      { config },
    )
    assert.ok(left.includes('/usr/bin/curl'))
    assert.deepEqual(healthCheck, [
      { name: '/bin/sh', path: '/bin/sh' },
      { name: 'curl', path: '/usr/bin/curl' },
      { name: 'wget', path: null },
    ])
  })

  test('a kept setuid program loses the bit, one that --keep names loses nothing', async () => {
    const suid: FileSpec = { name: 'app/real', content: '\x7fELF', mode: 0o4755 }
    const config = { Entrypoint: ['/app/real'] }
    assert.equal((await stripped([suid], { config })).did['/app/real'], 'setuid: mode 4755 → 0755')
    assert.equal((await stripped([suid], { keep: ['/app/*'] })).did['/app/real'], undefined)
  })

  test('--keep through a merged /bin, and what names nothing is told', async () => {
    const entries: FileSpec[] = [
      { name: 'bin', type: 'symlink', linkName: 'usr/bin' },
      { name: 'usr/bin/od', mode: 0o755 },
      { name: 'usr/bin/dd', mode: 0o755 },
    ]
    const { left, unusedKeep } = await stripped(entries, { keep: ['/bin/o*', '/none'] })
    assert.deepEqual(left, ['/bin', '/usr', '/usr/bin', '/usr/bin/od'])
    assert.deepEqual(unusedKeep, ['/none'])
  })
})

describe('accounts', () => {
  const files: FileSpec[] = [
    {
      name: 'etc/passwd',
      content:
        'root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1::/usr/sbin:/bin/sh\nweb:x:33:33::/srv:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\nold:x:1001:100::/home/old:/bin/sh\n',
    },
    { name: 'etc/group', content: 'root:x:0:\ndaemon:x:1:\nweb:x:33:app,old\napp:x:1000:\nusers:x:100:\n' },
    { name: 'etc/shadow', content: 'root:*:1::::::\nold:$6$x:1::::::\napp:!:1::::::\n' },
    { name: 'root/.profile' },
    { name: 'home/old/x' },
    { name: 'etc/web.conf', content: '# user daemon\nuser web;\n' },
  ]
  const content = (left: string[], path: string) =>
    left.find((line) => line.startsWith(`${path} `))?.split(' 0:0 ')[1]

  test('only who is named, runs or owns something stays; root goes where nothing runs as root', async () => {
    const { all: left } = await stripped(files, { config: { User: 'app' } })
    assert.equal(
      content(left, '/etc/passwd'),
      'web:x:33:33::/srv:/sbin/nologin\napp:x:1000:1000::/home/app:/sbin/nologin',
    )
    assert.equal(content(left, '/etc/group'), 'web:x:33:app\napp:x:1000:')
    assert.equal(content(left, '/etc/shadow'), 'app:!:1::::::')
    assert.ok(!left.some((line) => line.startsWith('/root') || line.startsWith('/home/old')))
  })

  test('root stays where the image says nothing of a user', async () => {
    assert.match(content((await stripped(files)).all, '/etc/passwd') ?? '', /^root:x:0:0/)
  })

  test('neither PATH nor "daemon off;" names an account; what is told whom to become does', async () => {
    const accounts =
      'root:x:0:0::/:/bin/sh\nbin:x:2:2::/:/bin/sh\ndaemon:x:1:1::/:/bin/sh\nweb:x:33:33::/:/bin/sh\n'
    const config = {
      Env: ['PATH=/usr/bin:/bin'],
      Cmd: ['served', '-g', 'daemon off;', 'exec gosu web x'],
      User: '5',
    }
    const { all } = await stripped([{ name: 'etc/passwd', content: accounts }], { config })
    assert.equal(content(all, '/etc/passwd'), 'web:x:33:33::/:/sbin/nologin')
  })

  test('who owns a file stays', async () => {
    const { all } = await stripped([...files, { name: 'srv/x', uid: 1001 }], { config: { User: '1000' } })
    assert.match(content(all, '/etc/passwd') ?? '', /old:x:1001/)
  })
})

test('hardening twice finds nothing the second time', async () => {
  const entries: FileSpec[] = [
    ...shell,
    { name: 'etc/', type: 'directory', mode: 0o777 },
    { name: 'x', mode: 0o4777 },
    // Whose folder becomes root's is needed no more.
    { name: 'etc/group', content: 'root:x:0:\nstaff:x:50:\n' },
    { name: 'usr/local/', type: 'directory', mode: 0o2775, gid: 50 },
    { name: 'l', type: 'symlink', linkName: 'x' },
  ]
  const image = await taken([entries], { Entrypoint: ['/app/run'] })
  const root = image.tree()
  const settings = { keep: [], isOn: chooseRules({ without: [], with: [] }).isOn, observed: null, data: [] }
  assert.ok(strip(root, image.config, settings).rules.some(({ deeds }) => deeds.length > 0))
  assert.ok(strip(root, image.config, settings).rules.every(({ deeds }) => deeds.length === 0))
  image.close()
})

test('data that a traced run keeps whole is kept without links to what is not installed', async () => {
  const image = await taken([
    [
      { name: 'etc/ssl/certs/one.pem' },
      { name: 'usr/lib/ssl/certs', type: 'symlink', linkName: '/etc/ssl/certs' },
      { name: 'usr/lib/ssl/cert.pem', type: 'symlink', linkName: '/etc/ssl/certs/none.pem' },
    ],
  ])
  const none = new Set<never>()
  const seen = { used: none, made: none, missing: none, users: none, groups: none, complete: true }
  const { isOn } = chooseRules({ without: [], with: [] })
  const settings = { keep: [], isOn, observed: seen, data: ['certificates'] as const }
  const { root } = strip(image.tree(), image.config, settings)
  assert.deepEqual(
    listing(root).flatMap((line) => (/ (file|symlink) /.test(line) ? [line.split(' ')[0]] : [])),
    ['/etc/ssl/certs/one.pem', '/usr/lib/ssl/certs'],
  )
  image.close()
})

test('a busybox whose links went is told as what it is', async () => {
  const { rules: results } = await stripped([
    { name: 'bin/busybox', content: '\x7fELF', mode: 0o755 },
    { name: 'bin/od', type: 'symlink', linkName: 'busybox' },
  ])
  assert.deepEqual(
    results.flatMap(({ deeds }) => deeds.map(({ path, nameOf }) => [path, nameOf])),
    [['/bin/od', 'busybox']],
  )
})

test('a rule that is not there is told with the one that was meant', () => {
  assert.throws(
    () => chooseRules({ without: ['setuids'], with: [] }),
    /there is no rule 'setuids', did you mean 'setuid'\?/,
  )
})
