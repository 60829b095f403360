import { type Fields, fields, fieldsList, hexId, imageId, oneOf } from './fields.ts'
import { parseHostConfig } from './parse-host-config.ts'
import type { Container, ContainerState, ContainerSummary, Mount } from './reader.ts'

const states = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'] as const

/** Podman's words for states that Docker has others for. */
const podmanStates: Readonly<Record<string, ContainerState>> = {
  configured: 'created',
  initialized: 'created',
  stopping: 'running',
  stopped: 'exited',
}

/** `GET /containers/json`. */
export function parseContainers(answer: unknown): ContainerSummary[] {
  return fieldsList(answer).map((row) => ({
    id: hexId(row.text('Id'), 'Id'),
    name: ownName(row.texts('Names')),
    image: row.text('Image', ''),
    state: parseState(row.text('State'), 'State'),
    labels: row.map('Labels'),
  }))
}

/** `GET /containers/ID/json`. */
export function parseContainer(answer: unknown): Container {
  const all = fields(answer)
  const config = all.object('Config')
  const state = all.object('State')
  return {
    id: hexId(all.text('Id'), 'Id'),
    name: ownName([all.text('Name')]),
    image: config.text('Image', ''),
    imageId: imageId(all.text('Image', ''), 'Image'),
    state: parseState(state.text('Status'), 'State.Status'),
    pid: state.number('Pid', 0),
    createdAt: all.text('Created'),
    startedAt: state.text('StartedAt', ''),
    labels: config.map('Labels'),
    graphDriver: parseGraphDriver(all.object('GraphDriver')),
    mounts: parseMounts(all),
    command: [all.text('Path', ''), ...all.texts('Args')],
    user: config.text('User', ''),
    env: config.texts('Env'),
    restartCount: all.number('RestartCount', 0),
    health: parseHealth(state),
    appArmorProfile: all.text('AppArmorProfile', ''),
    networks: all.object('NetworkSettings').keys('Networks'),
    hostConfig: parseHostConfig(all),
  }
}

function parseState(word: string, at: string): ContainerState {
  return Object.hasOwn(podmanStates, word) ? (podmanStates[word] ?? 'dead') : oneOf(word, states, at)
}

/** Legacy links give a container names like "/other/alias" beside its own. */
function ownName(names: readonly string[]): string {
  const plain = names.map((name) => name.replace(/^\//, ''))
  return plain.find((name) => !name.includes('/')) ?? plain[0] ?? ''
}

/**
 * Null with the containerd store, where the engine says null, nothing at all, or an empty `Data`. The graph driver vfs
 * has none either, and is known by its name, which no snapshotter of containerd has.
 */
function parseGraphDriver(driver: Fields): Container['graphDriver'] {
  const data = driver.map('Data')
  const name = driver.text('Name', '')
  return Object.keys(data).length === 0 && name !== 'vfs' ? null : { name, data }
}

/** `--tmpfs` stands in the host config only, `--mount type=tmpfs` among the mounts. */
function parseMounts(all: Fields): Mount[] {
  const mounts = all.objects('Mounts').map((mount): Mount => {
    const type = mount.text('Type', '')
    return {
      type: type === 'bind' || type === 'volume' || type === 'tmpfs' ? type : 'other',
      source: type === 'tmpfs' ? '' : mount.text('Source', ''),
      target: mount.text('Destination'),
      writable: mount.flag('RW'),
      propagation: mount.text('Propagation', ''),
    }
  })
  const tmpfs = Object.entries(all.object('HostConfig').map('Tmpfs'))
  return [
    ...mounts,
    ...tmpfs.map(([target, options]): Mount => ({
      type: 'tmpfs',
      source: '',
      target,
      writable: !options.split(',').includes('ro'),
      propagation: '',
    })),
  ]
}

function parseHealth(state: Fields): Container['health'] {
  const word = state.object('Health').text('Status', '')
  // Podman writes an empty status, or one that says it is stopped, where there is no check to speak of.
  if (word === '' || word === 'stopped') return 'none'
  return oneOf(word, ['none', 'starting', 'healthy', 'unhealthy'], 'State.Health.Status')
}
