import type { Daemon, SettingSource } from './facts.ts'
import { setting } from './check.ts'

/** A TCP address of the engine's API, and whom it lets in. */
export interface TcpListener {
  readonly address: string
  readonly from: SettingSource
  /** Whether no client certificate is asked for. */
  readonly open: boolean
  /** Whether the traffic is at least encrypted. */
  readonly tls: boolean
  readonly loopback: boolean
}

/** The engine's TCP addresses; Unix sockets are judged as files. */
export function listenersByReach(daemon: Daemon): TcpListener[] {
  const verify = setting(daemon, 'tlsverify').value === true
  const tls = verify || setting(daemon, 'tls').value === true
  return daemon.listeners
    .filter(({ address }) => address.startsWith('tcp://'))
    .filter(({ address }) => !isSwarm(address))
    .map(({ address, from }) => ({
      address,
      from,
      open: !verify,
      tls,
      loopback: /^tcp:\/\/(127\.|localhost|\[::1\])/.test(address),
    }))
}

/** Ports of swarm mode, which authenticates by itself; the published ports of docker-proxy belong to other processes. */
function isSwarm(address: string): boolean {
  return /:(2377|7946|4789)$/.test(address)
}
