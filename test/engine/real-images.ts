import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runDocker } from './docker-client.ts'
import { debianImage, type TestEngine } from './harness.ts'

/** A real service on Debian 12, what is traced of it, and what its hardened image must do beyond that. */
export interface RealImage {
  readonly packages: readonly string[]
  readonly dockerfile: string
  readonly files: Readonly<Record<string, string>>
  readonly test: string
  /** By name; `zones` needs time zones, and runs with TZ=Asia/Tokyo. */
  readonly beyond: readonly { readonly name: string; readonly command: string; readonly zones?: true }[]
  /** What no rule can take is more than half of it: the Node program, PostgreSQL with LLVM and a database. */
  readonly mostlyItsOwn?: true
  /** The strongest peer's result with the same kind of image, on the same kind of machine. */
  readonly peer: {
    readonly sizeMB: number
    readonly entries: number
    readonly programs: number | null
  } | null
}

const http = 'curl -fsS --max-time 5 http://127.0.0.1'
const https = 'curl -kfsS --max-time 5 https://127.0.0.1'
const status = "curl -ks --max-time 5 -o /dev/null -w '%{http_code}'"
const redis = (words: string, wanted: string) =>
  `bash -c 'exec 3<>/dev/tcp/127.0.0.1/6379; printf "${words}\\r\\nQUIT\\r\\n" >&3; cat <&3' | grep -q '${wanted}'`
const psql = (sql: string, options = 'host=127.0.0.1 dbname=postgres') =>
  `docker exec $PADDOCK_CONTAINER /usr/lib/postgresql/15/bin/psql "${options}" -v ON_ERROR_STOP=1 -Atc "${sql}"`
const tokyo = `$(TZ=Asia/Tokyo date '+%d %b %Y %H')`

const nginxSite = `server {
  listen 80 default_server;
  listen 443 ssl;
  ssl_certificate /etc/tls/cert.pem;
  ssl_certificate_key /etc/tls/key.pem;
  root /var/www/html;
  index index.html;
  location /gone { return 410; }
}
`

const pythonApp = `import hashlib, http.client, http.server, json, signal, sqlite3, ssl, threading, time

class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path == '/json':
            row = sqlite3.connect(':memory:').execute('select 6 * 7').fetchone()
            return self.say(json.dumps({'row': row, 'hash': hashlib.sha256(b'x').hexdigest()}))
        if self.path == '/zone':
            return self.say(time.strftime('%z'))
        if self.path == '/fetch':
            trusting = ssl.create_default_context(cafile='/etc/tls/cert.pem')
            asking = http.client.HTTPSConnection('localhost', 8443, context=trusting)
            asking.request('GET', '/json')
            return self.say(asking.getresponse().read().decode())
        super().do_GET()
    def say(self, text):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())
    def log_message(self, *_):
        pass

plain = http.server.ThreadingHTTPServer(('', 8000), Handler)
secure = http.server.ThreadingHTTPServer(('', 8443), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('/etc/tls/cert.pem', '/etc/tls/key.pem')
secure.socket = context.wrap_socket(secure.socket, server_side=True)
threading.Thread(target=secure.serve_forever, daemon=True).start()
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=plain.shutdown).start())
plain.serve_forever(poll_interval=0.1)
`

const nodeApp = `const { readFileSync } = require('node:fs')
const http = require('node:http'), https = require('node:https')
const tls = { cert: readFileSync('/etc/tls/cert.pem'), key: readFileSync('/etc/tls/key.pem') }
const answer = (q, s) => {
  if (q.url === '/none') return s.writeHead(404).end('none')
  if (q.url === '/tokyo') return s.end(new Date(0).toLocaleString('de', { timeZone: 'Asia/Tokyo' }))
  if (q.url === '/zone') return s.end(new Date(0).toTimeString())
  if (q.url === '/fetch') return https.get('https://localhost:8443/x', { ca: tls.cert }, (a) => a.pipe(s)).on('error', (e) => s.writeHead(500).end(String(e)))
  s.end(q.url)
}
const plain = http.createServer(answer).listen(8080)
const secure = https.createServer(tls, answer).listen(8443)
process.on('SIGTERM', () => { plain.close(); secure.close(); plain.closeAllConnections(); secure.closeAllConnections() })
`

const postgresStart = `#!/bin/sh
set -e
export PATH=$PATH:/usr/lib/postgresql/15/bin
test -e /data/PG_VERSION || initdb -D /data >/dev/null
exec postgres -D /data -k /tmp -c ssl=on -c ssl_cert_file=/etc/tls/cert.pem -c ssl_key_file=/etc/tls/key.pem
`

export const realImages: Readonly<Record<string, RealImage>> = {
  nginx: {
    packages: ['nginx-light', 'curl'],
    files: { site: nginxSite },
    dockerfile: `COPY tls/ /etc/tls/
COPY site /etc/nginx/sites-available/default
RUN mkdir -p /var/log/nginx /var/www/html && echo hello > /var/www/html/index.html && echo other > /var/www/html/other.html
EXPOSE 80
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]`,
    test: `${http}/`,
    beyond: [
      { name: 'another page', command: `${http}/other.html | grep -q other` },
      {
        name: 'error pages',
        command: `test $(${status} http://127.0.0.1/none) = 404 && test $(${status} http://127.0.0.1/gone) = 410`,
      },
      { name: 'TLS', command: `${https}/other.html | grep -q other` },
      {
        name: 'reload',
        command: `docker exec $PADDOCK_CONTAINER nginx -s reload && sleep 0.5 && ${http}/ | grep -q hello`,
      },
      {
        name: 'time zone',
        zones: true,
        command: 'docker cp $PADDOCK_CONTAINER:/var/log/nginx/access.log - | tar -xO | grep -q +0900',
      },
    ],
    peer: { sizeMB: 9.94, entries: 94, programs: 8 },
  },
  python: {
    packages: ['python3'],
    files: { 'app.py': pythonApp },
    dockerfile: `COPY tls/ /etc/tls/
COPY app.py /app.py
RUN mkdir -p /srv && echo hello > /srv/index.html && echo other > /srv/other.html
EXPOSE 8000
WORKDIR /srv
CMD ["python3", "/app.py"]`,
    test: `${http}:8000/ && ${http}:8000/json`,
    beyond: [
      { name: 'another page', command: `${http}:8000/other.html | grep -q other` },
      { name: 'error page', command: `test $(${status} http://127.0.0.1:8000/none) = 404` },
      { name: 'TLS', command: `${https}:8443/json | grep -q 42 && ${http}:8000/fetch | grep -q 42` },
      { name: 'time zone', zones: true, command: `${http}:8000/zone | grep -q +0900` },
    ],
    peer: { sizeMB: 21.8, entries: 259, programs: null },
  },
  node: {
    mostlyItsOwn: true,
    packages: [],
    files: { 'app.js': nodeApp },
    dockerfile: `COPY tls/ /etc/tls/
COPY node /usr/local/bin/node
COPY app.js /app.js
EXPOSE 8080
CMD ["node", "/app.js"]`,
    test: `${http}:8080/`,
    beyond: [
      { name: 'another page', command: `${http}:8080/other | grep -q other` },
      { name: 'error page', command: `test $(${status} http://127.0.0.1:8080/none) = 404` },
      { name: 'TLS', command: `${https}:8443/x | grep -q x && ${http}:8080/fetch | grep -q x` },
      {
        name: 'time zone',
        zones: true,
        command: `${http}:8080/tokyo | grep -q 09:00 && ${http}:8080/zone | grep -q 09:00`,
      },
    ],
    peer: { sizeMB: 133, entries: 500, programs: null },
  },
  redis: {
    packages: ['redis-server'],
    files: {},
    dockerfile: `COPY tls/ /etc/tls/
RUN mkdir -p /data && chown redis:redis /data
EXPOSE 6379
USER redis
WORKDIR /data
CMD ["redis-server", "--protected-mode", "no", "--tls-port", "6380", "--tls-cert-file", "/etc/tls/cert.pem", "--tls-key-file", "/etc/tls/key.pem", "--tls-ca-cert-file", "/etc/tls/cert.pem", "--tls-auth-clients", "no"]`,
    test: redis('SET a 1\\r\\nGET a', '^.1'),
    beyond: [
      { name: 'a script', command: redis('EVAL \\"return 6*7\\" 0', ':42') },
      { name: 'an error', command: redis('NONSENSE', 'ERR unknown') },
      { name: 'a save', command: redis('SAVE', '+OK') },
      {
        name: 'TLS',
        command:
          "printf 'PING\\r\\nQUIT\\r\\n' | openssl s_client -quiet -connect 127.0.0.1:6380 2>/dev/null | grep -q PONG",
      },
      { name: 'time zone', zones: true, command: `docker logs $PADDOCK_CONTAINER | grep -q "${tokyo}"` },
    ],
    peer: null,
  },
  postgres: {
    mostlyItsOwn: true,
    packages: ['postgresql'],
    files: { start: postgresStart },
    dockerfile: `COPY tls/ /etc/tls/
COPY start /start
RUN chmod 755 /start && chown root:postgres /etc/tls/key.pem && chmod 640 /etc/tls/key.pem && mkdir -p /data && chown postgres:postgres /data
EXPOSE 5432
USER postgres
STOPSIGNAL SIGINT
CMD ["/start"]`,
    // Stop words are read when they are first asked for: no closure tells of them.
    test: psql("select to_tsvector('english', 'a test')"),
    beyond: [
      {
        name: 'tables',
        command: psql(
          'create temp table t as select generate_series(1,1000) n; create index on t(n); select sum(n) from t',
        ),
      },
      { name: 'an error', command: `! ${psql('select 1/0')}` },
      { name: 'plpgsql', command: psql("do 'begin perform 1; end'") },
      { name: 'search', command: psql("select to_tsvector('english', 'the quick foxes')") },
      { name: 'reload', command: `${psql('select pg_reload_conf()')} && ${psql('select 1')}` },
      {
        name: 'TLS',
        command:
          psql(
            'select ssl from pg_stat_ssl where pid = pg_backend_pid()',
            'host=127.0.0.1 dbname=postgres sslmode=require',
          ) + ' | grep -q t',
      },
      {
        name: 'time zone',
        zones: true,
        command:
          psql("select timestamp '2026-01-01' at time zone 'UTC' at time zone 'Asia/Tokyo'") +
          ' | grep -q 09:00',
      },
    ],
    peer: null,
  },
}

/** Builds one on an engine. @returns its name */
export async function buildReal(engine: TestEngine, name: string): Promise<string> {
  const real = realImages[name]
  if (real === undefined) throw new Error(`no image '${name}': ${Object.keys(realImages).join(', ')}`)
  const base = await debianImage(engine, { tag: `paddock-test/${name}:real`, packages: real.packages })
  const context = mkdtempSync(join(tmpdir(), 'paddock-real-'))
  try {
    mkdirSync(join(context, 'tls'))
    const [key, cert] = [join(context, 'tls/key.pem'), join(context, 'tls/cert.pem')]
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
      ].concat([
        ...[
          '-subj',
          '/CN=localhost',
          '-addext',
          'subjectAltName=DNS:localhost',
          '-keyout',
          key,
          '-out',
          cert,
        ],
      ]),
      { stdio: 'ignore' },
    )
    execFileSync('chmod', ['0644', key])
    for (const [file, text] of Object.entries({
      ...real.files,
      Dockerfile: `FROM ${base}\n${real.dockerfile}\n`,
    }))
      writeFileSync(join(context, file), text)
    if (name === 'node') copyFileSync(process.execPath, join(context, 'node'))
    const tag = `${engine.prefix}${name}:real`
    await runDocker(engine.address, ['build', '--quiet', '--network', 'none', '--tag', tag, context])
    return tag
  } finally {
    rmSync(context, { recursive: true, force: true })
  }
}

/** One shell command that does all of an image's `beyond`, and says which part failed. */
export function beyondCommand({ beyond }: RealImage, zones: boolean): string {
  return beyond
    .filter((each) => zones || each.zones !== true)
    .map(({ name, command }) => `{ ${command}; } || { echo 'failed: ${name}'; exit 1; }`)
    .join('\n')
}
