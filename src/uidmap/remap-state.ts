import { UserError } from '../lib/errors.ts'
import type { EngineInfo } from '../engine/reader.ts'
import { configuredRemap, type HostFiles } from './host-files.ts'
import type { Setup } from './setup.ts'

/** Whether an engine remaps, and whether that is what its configuration says. */
export interface RemapState {
  readonly on: boolean
  /** "dockremap"; null where neither the file nor the command line sets it. */
  readonly configured: string | null
  /** Where that was read: a file, or "the daemon's command line"; null where nothing is set. */
  readonly source: string | null
  /** Why what is configured is not what is. Null where the two agree. */
  readonly mismatch: string | null
}

/** @param files null where they cannot be read */
export function remapState(setup: Setup, files: HostFiles): RemapState {
  const { host, engine, daemon } = setup
  const flag = daemon?.flags.get('userns-remap')
  const inFile = engine?.info.kind === 'podman' ? null : configuredOrWhy(setup, files)
  if (typeof inFile === 'object' && inFile !== null)
    return { on: engine?.info.usernsRemap === true, configured: null, source: null, mismatch: inFile.why }
  const configured = flag !== undefined && flag !== '' ? flag : inFile
  const source =
    configured === null
      ? null
      : flag === configured
        ? "the daemon's command line"
        : `${host.root}${setup.configFile}`
  const on = engine?.info.usernsRemap === true
  return { on, configured, source, mismatch: mismatchOf(engine?.info ?? null, configured, source) }
}

function configuredOrWhy({ host }: Setup, files: HostFiles): string | null | { why: string } {
  try {
    return configuredRemap(host, files)
  } catch (error) {
    if (error instanceof UserError) return { why: error.message }
    throw error
  }
}

function mismatchOf(
  info: EngineInfo | null,
  configured: string | null,
  source: string | null,
): string | null {
  if (configured !== null && configured.split(':')[0] === 'root')
    return `${source ?? ''} says userns-remap: ${configured}, which turns remapping off with only a warning in the engine's log`
  if (info === null || info.kind === 'podman' || info.rootless) return null
  if (info.usernsRemap === (configured !== null)) return null
  return configured === null
    ? 'the engine remaps, but its configuration does not say so (any more): the next restart turns it off'
    : `${source ?? ''} says userns-remap: ${configured}, but the engine does not remap: it was not restarted since, or reads another file`
}
