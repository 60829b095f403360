/** The files of a new service: a site of static files, which builds, passes its test and is closed from the first minute. */
export function newServiceFiles(name: string, image: string): Readonly<Record<string, string>> {
  return {
    'compose.yaml': `# A service. 'paddock config ${name}' shows what it really runs with.
services:
  ${name}:
    image: ${image}:\${PADDOCK_TAG:-live}
    build: .
    ports: ["127.0.0.1:8080:8080"]
    healthcheck:
      test: [CMD, /usr/bin/busybox, wget, -q, -O, /dev/null, "http://127.0.0.1:8080/"]
      interval: 2s
      timeout: 10s
      retries: 3

x-paddock:
  # What the image is made of: Debian packages, unpacked, nothing else.
  base: { packages: [busybox-static] }
  # What is expected of its containers: no change at all, and this one program.
  expect: []
  processes:
    - { exe: /usr/bin/busybox, user: nobody, required: true }
  exec: deny
`,
    Dockerfile: `ARG BASE
FROM \${BASE}
COPY files/ /
USER 65534:65534
CMD ["/usr/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/srv/www"]
`,
    'files/srv/www/index.html': `<!doctype html>
<title>${name}</title>
<h1>${name} is up</h1>
`,
    test: `#!/usr/bin/env node
// Runs beside production, against an instance of its own. Exit code 0 is a pass.
import assert from 'node:assert/strict'

const { PADDOCK_ADDR, PADDOCK_PORT_8080 } = process.env
const page = await fetch(\`http://\${PADDOCK_ADDR}:\${PADDOCK_PORT_8080}/\`)
assert.equal(page.status, 200)
assert.match(await page.text(), /${name} is up/)
console.log('the page is there')
`,
  }
}
