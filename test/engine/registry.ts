import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'

export interface TestRegistry extends AsyncDisposable {
  /** "127.0.0.1:5000/base@sha256:…" */
  readonly reference: string
  /** Of its one layer, unpacked: what an image made of it begins with. */
  readonly layer: string
}

/**
 * A registry of images on loopback that has one image, of one layer: as much of the distribution specification as `docker pull`
 * asks for. Docker takes it without TLS because it is on loopback.
 * @param tar the image's root file system
 * @param settings what the image says of how it runs: `{ Entrypoint: ['/start'] }`
 */
export async function testRegistry(tar: Buffer, settings: object = {}): Promise<TestRegistry> {
  const packed = gzipSync(tar)
  const layer = digest(tar)
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      config: settings,
      rootfs: { type: 'layers', diff_ids: [layer] },
    }),
  )
  const type = 'application/vnd.docker.distribution.manifest.v2+json'
  const part = (mediaType: string, blob: Buffer) => ({ mediaType, size: blob.length, digest: digest(blob) })
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: type,
      config: part('application/vnd.docker.container.image.v1+json', config),
      layers: [part('application/vnd.docker.image.rootfs.diff.tar.gzip', packed)],
    }),
  )
  const answers = new Map<string, readonly [type: string, body: Buffer]>([
    ['/v2/', ['application/json', Buffer.from('{}')]],
    [`/v2/base/manifests/${digest(manifest)}`, [type, manifest]],
    ...[config, packed].map(
      (blob) => [`/v2/base/blobs/${digest(blob)}`, ['application/octet-stream', blob]] as const,
    ),
  ])
  const server = createServer(({ method, url = '' }, response) => {
    const [contentType, body] = answers.get(url) ?? ['application/json', null]
    if (body === null) response.writeHead(404).end()
    else {
      response.writeHead(200, {
        'content-type': contentType,
        'content-length': body.length,
        'docker-distribution-api-version': 'registry/2.0',
      })
      response.end(method === 'HEAD' ? undefined : body)
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    reference: `127.0.0.1:${port}/base@${digest(manifest)}`,
    layer,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function digest(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}
