import { statSync } from 'node:fs'
import type { EngineInfo } from '../engine/reader.ts'
import { parsePasswd } from './accounts.ts'
import { DEFAULT_USER } from './enable-plan.ts'
import { type Host, readHostFile } from './host.ts'
import { identityMaps, type IdMaps, toHost } from './id-map.ts'
import { mapOf, parseSubIds, rangesOf } from './subids.ts'

/**
 * The maps that an engine gives to containers that ask for none of their own.
 * @param address "unix:///…"
 * @param configured `userns-remap` as configuration or command line have it; null where they do not
 */
export function engineMaps(
  host: Host,
  { info, address }: { readonly info: EngineInfo; readonly address: string },
  configured: string | null,
): IdMaps {
  if (info.rootless) return rootlessMaps(host, address)
  if (!info.usernsRemap) return identityMaps
  // The engine's own word: its data root ends in the ids of the mapped root (moby, `setupDaemonRoot`).
  const [, uid, gid] = /\/(\d+)\.(\d+)$/.exec(info.dataRoot) ?? []
  const named = configured === null ? null : mapsOfUser(host, configured)
  if (uid === undefined || gid === undefined) return named ?? identityMaps
  const fits =
    named !== null && toHost(named.uids, 0) === Number(uid) && toHost(named.gids, 0) === Number(gid)
  return fits ? named : { uids: usual(Number(uid)), gids: usual(Number(gid)) }
}

/** Whose socket it is, is root inside; the ids after that are the user's own of subuid(5) (newuidmap(1)). */
function rootlessMaps(host: Host, address: string): IdMaps {
  const { uid, gid } = statSync(address.replace(/^unix:\/\//, ''))
  const user = parsePasswd(readHostFile(host, '/etc/passwd') ?? '').find((one) => one.uid === uid)
  const map = (path: string, own: number): IdMaps['uids'] => {
    const { ranges } = parseSubIds(readHostFile(host, path) ?? '')
    const more = mapOf(rangesOf(ranges, user?.name ?? '', uid))
    return [
      { inside: 0, outside: own, count: 1 },
      ...more.map(({ inside, outside, count }) => ({ inside: inside + 1, outside, count })),
    ]
  }
  return { uids: map('/etc/subuid', uid), gids: map('/etc/subgid', user?.gid ?? gid) }
}

function usual(outside: number): IdMaps['uids'] {
  return [{ inside: 0, outside, count: 65536 }]
}

/** @param configured "dockremap", "default", "user:group", a uid */
function mapsOfUser(host: Host, configured: string): IdMaps {
  const [first = ''] = configured.split(':')
  const users = parsePasswd(readHostFile(host, '/etc/passwd') ?? '')
  const wanted = first === 'default' ? DEFAULT_USER : first
  const user = users.find(({ name, uid }) => name === wanted || String(uid) === wanted)
  const map = (path: string) => {
    const { ranges } = parseSubIds(readHostFile(host, path) ?? '')
    return mapOf(rangesOf(ranges, user?.name ?? wanted, user?.uid ?? null))
  }
  return { uids: map('/etc/subuid'), gids: map('/etc/subgid') }
}
