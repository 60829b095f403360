import { refuse } from './tar-header.ts'

type Json = Readonly<Record<string, unknown>>

/** What the engine does with an image: the part of its configuration that Paddock reads. Everything else is kept as it stands. */
export interface ImageConfig {
  /** The whole document as the engine wrote it. */
  readonly document: Json
  readonly user: string
  readonly env: readonly string[]
  readonly entrypoint: readonly string[]
  readonly command: readonly string[]
  readonly workingDir: string
  readonly volumes: readonly string[]
  /** "80/tcp" */
  readonly exposedPorts: readonly string[]
  /** ["CMD", …], ["CMD-SHELL", "…"]; null where there is none. */
  readonly healthCheck: readonly string[] | null
  readonly shell: readonly string[]
}

/** Parses an image's configuration (OCI image-spec, config.md, with Docker's additions). */
export function parseConfig(bytes: Buffer): ImageConfig {
  const document = parseObject(bytes)
  const config = object(document['config'])
  const health = texts(object(config['Healthcheck'])['Test'])
  return {
    document,
    user: typeof config['User'] === 'string' ? config['User'] : '',
    env: texts(config['Env']),
    entrypoint: texts(config['Entrypoint']),
    command: texts(config['Cmd']),
    workingDir: typeof config['WorkingDir'] === 'string' ? config['WorkingDir'] : '',
    volumes: Object.keys(object(config['Volumes'])),
    exposedPorts: Object.keys(object(config['ExposedPorts'])),
    healthCheck: health.length === 0 || health[0] === 'NONE' ? null : health,
    shell: texts(config['Shell']),
  }
}

/** The same configuration for one layer in place of many: nothing but the layers and their history differs. */
export function configFor(config: ImageConfig, diffId: string): Buffer {
  const { document } = config
  const created = typeof document['created'] === 'string' ? document['created'] : '1970-01-01T00:00:00Z'
  // What the builder left of its own last container names hosts, and differs from build to build.
  const { container: _, container_config: __, id: ___, parent: ____, parent_id: _____, ...kept } = document
  const changed = {
    ...kept,
    created,
    history: [{ created, created_by: 'paddock harden' }],
    rootfs: { type: 'layers', diff_ids: [diffId] },
  }
  return Buffer.from(JSON.stringify(changed))
}

export function parseObject(bytes: Buffer): Json {
  try {
    return object(JSON.parse(bytes.toString('utf8')))
  } catch (error) {
    if (error instanceof SyntaxError) throw refuse('its configuration is not JSON')
    throw error
  }
}

export function object(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {}
}

function texts(value: unknown): string[] {
  if (!Array.isArray(value)) return []
  return value.filter((item) => typeof item === 'string')
}
