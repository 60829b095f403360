import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseDocument } from 'yaml'
import { UserError } from '../../lib/errors.ts'
import { freePort } from './free-port.ts'
import type { Stage } from './stage.ts'

export const SERVICES = ['redis', 'web', 'api'] as const
const BY_HAND = 'paddock-demo-by-hand'
/** What the intruder works with, in the site's image; the site itself has no use for it. */
export const BUSYBOX = '/usr/bin/busybox'
/** What the sample herd calls its images, and what the demo calls them, so that a herd of the user's is not touched. */
const [THEIRS, OURS] = ['image: herd/', 'image: paddock-demo/']

export interface ByHand {
  readonly id: string
  readonly name: string
}

/** Builds, hardens, tests, promotes and starts the services. */
export async function startHerd(stage: Stage): Promise<void> {
  stage.env['PADDOCK_WEB_PORT'] = String(await freePort())
  for (const service of SERVICES) {
    const file = join(stage.herd, service, 'compose.yaml')
    const compose = parseDocument(readFileSync(file, 'utf8').replaceAll(THEIRS, OURS))
    // Of packages alone: the demo is the same wherever it plays, whatever a registry gives.
    compose.deleteIn(['x-paddock', 'base', 'image'])
    if (service === 'web') {
      compose.addIn(['x-paddock', 'base', 'packages'], 'busybox-static')
      compose.addIn(['x-paddock', 'harden', 'keep'], BUSYBOX)
    }
    writeFileSync(file, String(compose))
  }
  const { code } = await stage.paddock('upgrade', '--all', '--watch', '1s')
  if (code !== 0) throw new UserError('the herd could not be brought up: see above')
}

/** The image of the site as it is, but started as root, writable, with no policy: how most containers run. */
export async function startByHand({ writer, io }: Stage): Promise<ByHand> {
  io.stdout.write(
    `$ docker run --detach --user 0 --name ${BY_HAND} paddock-demo/web:live busybox sleep 1000000\n`,
  )
  const id = await writer.createContainer({
    name: BY_HAND,
    image: 'paddock-demo/web:live',
    user: '0',
    command: [BUSYBOX, 'sleep', '1000000'],
    labels: {},
  })
  await writer.startContainer(id)
  return { id, name: BY_HAND }
}

export async function removeHerd(stage: Stage): Promise<void> {
  const { engine, writer } = stage
  await stage.ask('down', '--all', '--yes')
  for (const { id, name } of await engine.containers({ all: true }))
    if (name === BY_HAND) await writer.removeContainer(id)
}

/** @param before tags that were there */
export async function removeNewImages({ engine, writer }: Stage, before: ReadonlySet<string>): Promise<void> {
  const tags = (await engine.images()).flatMap((image) => image.tags)
  for (const tag of tags) {
    if (!before.has(tag) && /^(paddock|paddock-demo)\//.test(tag)) await writer.removeImage(tag)
  }
}
