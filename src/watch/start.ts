import { mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { announce, announceAlert } from '../alerts/channels.ts'
import { Deliverer } from '../alerts/deliver.ts'
import { forgetOtherChannels } from '../alerts/outbox.ts'
import type { Recorded } from '../alerts/record.ts'
import { AlertStore } from '../alerts/store.ts'
import { UserError } from '../lib/errors.ts'
import { PIN_MAX_HASHES } from '../protocol/requests.ts'
import { parseListen, readConfig } from './config.ts'
import type { Guard } from './guard.ts'
import { health } from './health.ts'
import { Live } from './live.ts'
import { CHANNEL_FAILING, FINDINGS_MISSING, Monitor } from './monitor.ts'
import { RateLimit } from './rate.ts'
import { routeTable } from './routes/table.ts'
import { SensorLink } from './sensor-link.ts'
import { listenSocket, listenTcp, type ServerOptions } from './server.ts'
import { Sessions } from './sessions.ts'
import { openTokens } from './tokens.ts'
import type { Watch } from './watch.ts'

export interface WatchOptions {
  /** PADDOCK_STATE_DIR; watch's own folder is `watch` in it. */
  readonly stateDir: string
  /** PADDOCK_RUN_DIR: the sensor's socket is there, and watch's own. */
  readonly runDir: string
  readonly configDir: string
  /** "127.0.0.1:7411"; port 0 takes a free one. */
  readonly listen: string
  readonly onBug: (error: unknown) => void
  /** Gives up what only reading the configuration and its keys may need. */
  readonly giveUpRights?: () => void
}

export interface RunningWatch extends AsyncDisposable {
  readonly url: string
  readonly tokenFile: string
}

/** Names of the sockets in the run folder. */
export const SENSOR_SOCKET = 'sensor.sock'
export const WATCH_SOCKET = 'watch.sock'

const LOGIN_FAILURES = { burst: 10, perSecond: 1 / 6 }
const REFUSED_JOURNAL_MS = 60_000
const DAY_MS = 86_400_000

/** Starts all of watch. @throws UserError when a part of it cannot be had */
export async function startWatch(options: WatchOptions): Promise<RunningWatch> {
  const config = readConfig(join(options.configDir, 'watch.yaml'))
  const address = parseListen(options.listen, config)
  const tls = config.tls === null ? null : { cert: readPem(config.tls.cert), key: readPem(config.tls.key) }
  options.giveUpRights?.()
  const stateDir = ownStateDir(options.stateDir)
  const stack = new AsyncDisposableStack()
  try {
    const tokens = openTokens(stateDir, config)
    const store = stack.use(new AlertStore(join(stateDir, 'alerts.db')))
    const { channels } = config
    forgetOtherChannels(
      store.database,
      channels.map(({ name }) => name),
    )
    const now = store.now
    store.journal.append({ at: now(), kind: 'started', who: 'watch', body: {} })
    const live = stack.use(new Live())
    const host = hostname()

    const deliverer = stack.use(
      new Deliverer({
        store,
        channels,
        host,
        pageUrl: config.pageUrl,
        onFailing: ({ name }, error) => {
          monitor.trouble({
            reason: `${CHANNEL_FAILING}${name}`,
            subject: name,
            severity: 'high',
            summary: `the channel ${name} cannot be told: ${error}`,
          })
        },
        onRecovered: () => {
          live.changed()
        },
      }),
    )
    const told = (recorded: Recorded) => {
      deliverer.kick()
      live.changed()
      for (const [from, to] of recorded.missing) {
        monitor.trouble({
          reason: FINDINGS_MISSING,
          severity: 'high',
          summary: `findings ${from} to ${to} of the sensor never arrived`,
        })
      }
    }
    const sensor = stack.use(
      new SensorLink({
        socketPath: join(options.runDir, SENSOR_SOCKET),
        store,
        onRecording: (recorded) => {
          announce(store, channels, recorded)
        },
        onRecorded: told,
        onState: () => {
          live.changed()
          void monitor.refresh()
        },
      }),
    )
    const monitor = stack.use(
      new Monitor({
        store,
        sensor,
        channels,
        limits: { keepMs: config.keepDays * DAY_MS, maxSizeBytes: config.maxSizeBytes },
        onChange: () => {
          live.changed()
        },
        onOutbox: () => {
          deliverer.kick()
        },
      }),
    )

    let refusedAt = 0
    const parts = { store, sensor, monitor, deliverer, channels, config, live, host, stateDir, now }
    const watch: Watch = {
      ...parts,
      startedAt: now(),
      health: () => health(watch),
      loginRefused(client) {
        if (now() - refusedAt < REFUSED_JOURNAL_MS) return
        refusedAt = now()
        store.journal.append({ at: now(), kind: 'login-refused', who: 'watch', body: { client } })
      },
      acknowledged(alert, evidence) {
        announceAlert(store, channels, alert, 'acknowledged')
        deliverer.kick()
        live.changed()
        void unpin(sensor, evidence)
      },
    }

    const guard: Guard = {
      tokens,
      sessions: new Sessions(now),
      hosts: config.hosts.map((name) => name.toLowerCase()),
      openMetrics: config.openMetrics,
      tls: config.tls !== null,
    }
    const loginFailures = new RateLimit(LOGIN_FAILURES.burst, LOGIN_FAILURES.perSecond, now)
    const serving: ServerOptions = {
      watch,
      guard,
      routes: routeTable(guard, loginFailures),
      onBug: options.onBug,
    }
    const tcp = await listenTcp(serving, address, tls)
    stack.defer(() => closed(tcp.server))
    const own = await listenSocket(serving, join(options.runDir, WATCH_SOCKET))
    stack.defer(() => closed(own))

    const running = stack.move()
    const shownHost = address.host.includes(':') ? `[${address.host}]` : address.host
    return {
      url: `${tls === null ? 'http' : 'https'}://${shownHost}:${tcp.port}/`,
      tokenFile: join(stateDir, 'token'),
      [Symbol.asyncDispose]: () => running.disposeAsync(),
    }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

function ownStateDir(stateDir: string): string {
  const own = join(stateDir, 'watch')
  try {
    mkdirSync(own, { recursive: true, mode: 0o700 })
    // Copies that a killed watch was still sending.
    for (const name of readdirSync(own)) {
      if (name.startsWith('backup-')) rmSync(join(own, name), { recursive: true, force: true })
    }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    throw new UserError(`cannot use the state folder ${own}: ${error.message}`, {
      hint: 'set PADDOCK_STATE_DIR, or run `paddock install`, which makes it',
      cause: error,
    })
  }
  return own
}

/** Evidence that no open alert needs may go when room is needed. Where it fails, the next start pins what is open anew. */
async function unpin(sensor: SensorLink, sha256s: readonly string[]): Promise<void> {
  try {
    for (let start = 0; start < sha256s.length; start += PIN_MAX_HASHES) {
      await sensor.ask('unpin', { sha256s: sha256s.slice(start, start + PIN_MAX_HASHES) })
    }
  } catch (error) {
    if (!(error instanceof UserError)) throw error
  }
}

function readPem(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    if (!(error instanceof Error)) throw error
    throw new UserError(`cannot read ${path} for TLS: ${error.message}`)
  }
}

function closed(server: { close(done: () => void): unknown; closeAllConnections(): void }): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve()
    })
    server.closeAllConnections()
  })
}
