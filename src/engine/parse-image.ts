import { fields, fieldsList, imageId, secondsToIso } from './fields.ts'
import { parseHealthCheck } from './parse-host-config.ts'
import type { Image, ImageStep, ImageSummary } from './reader.ts'

/** `GET /images/json`. */
export function parseImages(answer: unknown): ImageSummary[] {
  return fieldsList(answer).map((row) => ({
    id: imageId(row.text('Id'), 'Id'),
    tags: tags(row.texts('RepoTags')),
    createdAt: secondsToIso(row.number('Created', 0), 'Created'),
    sizeBytes: row.number('Size', 0),
  }))
}

/** `GET /images/REFERENCE/json`. */
export function parseImage(answer: unknown): Image {
  const all = fields(answer)
  const config = all.object('Config')
  return {
    id: imageId(all.text('Id'), 'Id'),
    tags: tags(all.texts('RepoTags')),
    createdAt: all.text('Created', ''),
    sizeBytes: all.number('Size', 0),
    user: config.text('User', ''),
    env: config.texts('Env'),
    entrypoint: config.texts('Entrypoint'),
    command: config.texts('Cmd'),
    workingDir: config.text('WorkingDir', ''),
    labels: config.map('Labels'),
    exposedPorts: config.keys('ExposedPorts'),
    volumes: config.keys('Volumes'),
    healthCheck: parseHealthCheck(config),
    layers: all.object('RootFS').texts('Layers').length,
    architecture: all.text('Architecture', ''),
  }
}

/** `GET /images/REFERENCE/history`. */
export function parseImageHistory(answer: unknown): ImageStep[] {
  return fieldsList(answer).map((row) => ({
    createdBy: row.text('CreatedBy', ''),
    createdAt: secondsToIso(row.number('Created', 0), 'Created'),
    sizeBytes: row.number('Size', 0),
  }))
}

/** Docker lists an image without a tag as "<none>:<none>". */
function tags(listed: readonly string[]): string[] {
  return listed.filter((tag) => !tag.includes('<none>'))
}
