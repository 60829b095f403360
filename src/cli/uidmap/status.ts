import type { EngineInfo } from '../../engine/reader.ts'
import { printable } from '../../lib/printable.ts'
import { type ContainerStatus, statusOf } from '../../uidmap/container-status.ts'
import { readHostFiles } from '../../uidmap/host-files.ts'
import { describeMap, type IdMaps } from '../../uidmap/id-map.ts'
import { engineMaps } from '../../uidmap/engine-maps.ts'
import { type RemapState, remapState } from '../../uidmap/remap-state.ts'
import type { Setup } from '../../uidmap/setup.ts'
import { defineCommand, type ExitCode, type Io, shared } from '../command.ts'
import { type Style, styleFor } from '../style.ts'
import { openSetup, rootOption } from './options.ts'
import { chosenContainers } from './tenant-sources.ts'

export const command = defineCommand({
  summary: 'is it on, and under which ids does each container really live?',
  usage: ['uidmap status [--json] [--root DIR]'],
  description: `
Tells whether the engine remaps ids, by whose word, and for each container which ids of the host are its own: read
from the kernel (/proc/<pid>/uid_map), whatever the configuration says. Containers that opt out (--userns=host) are
named, and so are settings that turn remapping off in silence.

Exit code: 0 what is configured is what is, 1 it is not, 2 it cannot be told.`,
  options: { json: shared.json, engine: shared.engine, root: rootOption },
  examples: [
    ['paddock uidmap status', 'the engine first, then a line for each container'],
    [
      "paddock uidmap status --json | jq -r '.containers[] | select(.rootIsHostRoot) | .name'",
      'containers whose root is root of the host',
    ],
  ],
  arguments: { min: 0, max: 0 },
  async run({ options, io }): Promise<ExitCode> {
    const setup = await openSetup(options, io, 'if-named')
    const state = remapState(setup, readHostFiles(setup.host, setup.configFile))
    const containers =
      setup.engine === null ? [] : (await chosenContainers(setup.engine.reader, [])).map(statusOf)
    const report: Report = { setup, state, maps: mapsOf(setup, state), containers }
    if (options.json === true) io.stdout.write(`${JSON.stringify(statusJson(report), null, 2)}\n`)
    else io.stdout.write(statusText(report, io))
    return state.mismatch === null ? 0 : 1
  },
})

interface Report {
  readonly setup: Setup
  readonly state: RemapState
  readonly maps: IdMaps | null
  readonly containers: readonly ContainerStatus[]
}

function mapsOf({ host, engine }: Setup, { configured }: RemapState): IdMaps | null {
  if (engine === null || !(engine.info.usernsRemap || engine.info.rootless)) return null
  return engineMaps(host, { info: engine.info, address: engine.reader.address }, configured)
}

function statusJson({ setup, state, maps, containers }: Report) {
  const { engine, host, configFile } = setup
  return {
    version: 1,
    engine:
      engine === null
        ? null
        : {
            kind: engine.info.kind,
            version: engine.info.version,
            address: engine.reader.address,
            dataRoot: engine.info.dataRoot,
            rootless: engine.info.rootless,
          },
    on: engine === null ? null : state.on,
    configured: state.configured,
    configFile: `${host.root}${configFile}`,
    mismatch: state.mismatch,
    maps,
    containers: containers.map(({ container, maps: own, rootIsHostRoot, optsOut }) => ({
      id: container.id,
      name: container.name,
      state: container.state,
      pid: container.pid,
      userns: container.hostConfig.usernsMode,
      optsOut,
      rootIsHostRoot,
      maps: own,
    })),
  }
}

function statusText({ setup, state, maps, containers }: Report, io: Io): string {
  const style = styleFor(io.stdout, io.env)
  const { engine } = setup
  const lines: string[] = []
  if (engine === null)
    lines.push(
      `No engine was asked. ${state.configured === null ? 'No remapping is configured.' : ''}`.trim(),
    )
  else {
    const named = `${engine.info.kind} ${engine.info.version} at ${engine.reader.address}`
    lines.push(`${printable(named)}: ${stateText(engine.info, state.on, style)}`)
    if (engine.info.kind === 'podman' && !engine.info.rootless)
      lines.push('  Podman has no mapping of the engine; each container may have its own.')
  }
  if (state.configured !== null)
    lines.push(`  ${printable(state.source ?? '')} says userns-remap: ${printable(state.configured)}`)
  if (maps !== null) lines.push(`  uids ${describeMap(maps.uids)}`, `  gids ${describeMap(maps.gids)}`)
  if (state.mismatch !== null) lines.push(style.bad(`  ${printable(state.mismatch)}`))
  const width = Math.max(0, ...containers.map(({ container }) => container.name.length))
  for (const one of containers) lines.push(`  ${one.container.name.padEnd(width)}  ${containerText(one)}`)
  return `${lines.join('\n')}\n`
}

function stateText({ rootless }: EngineInfo, on: boolean, style: Style): string {
  if (rootless) return style.good('it runs rootless: root of its containers is its own user')
  return on ? style.good('remapping is on') : style.strong('remapping is off')
}

function containerText({ container, maps, rootIsHostRoot, optsOut }: ContainerStatus): string {
  const why = optsOut ? ' (--userns=host: it opts out)' : ''
  if (maps === null) return `${container.state}${why}`
  if (rootIsHostRoot === true) return `its root is root of the host${why}`
  return `uids ${describeMap(maps.uids)}${why}`
}
