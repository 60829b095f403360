import type { Layer } from '../../cow/change.ts'
import { locateLayer } from '../../cow/locate.ts'
import { connectEngine } from '../../engine/connect.ts'
import type { Container, OpenEngine } from '../../engine/reader.ts'
import type { Io } from '../command.ts'
import { stateDir } from '../state-dir.ts'

/** The container that a command of this group speaks of. */
export interface Target {
  readonly engine: OpenEngine
  readonly container: Container
  readonly layer: Layer
}

/** @throws UserError where there is no such container, or no layer directory */
export async function findTarget(name: string, address: string | undefined, io: Io): Promise<Target> {
  const engine = await connectEngine({ engine: address, env: io.env })
  const container = await engine.container(name)
  return { engine, container, layer: locateLayer(container, { stateDir: stateDir(io.env) }) }
}

/** How JSON names the container (docs/json.md). */
export function targetJson({ engine, container }: Target): object {
  const { id, name, image } = container
  return { id, name, image, engine: engine.kind }
}
