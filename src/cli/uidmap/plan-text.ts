import { printable } from '../../lib/printable.ts'
import type { Consequences } from '../../uidmap/consequences.ts'
import { describeMap } from '../../uidmap/id-map.ts'
import { checkJson, checkText } from '../../uidmap/mount-json.ts'
import { diffOf, editsText, type PlanReport } from './plan-report.ts'

export function planJson({ setup, plan, obstacles, notes, consequences }: PlanReport) {
  const { root } = setup.host
  return {
    version: 1,
    possible: obstacles.length === 0,
    user: plan.user,
    maps: plan.maps,
    configFile: `${root}${setup.configFile}`,
    edits: plan.edits.map((edit) => ({ path: `${root}${edit.path}`, diff: diffOf(root, edit) })),
    obstacles,
    notes,
    willFollow: consequences === null ? null : consequencesJson(consequences),
  }
}

function consequencesJson(found: Consequences) {
  return {
    newDataRoot: found.newDataRoot,
    hidden: {
      images: found.hiddenImages.map(({ id, tags, sizeBytes }) => ({ id, tags, sizeBytes })),
      containers: found.hiddenContainers.map(({ id, name, state }) => ({ id, name, state })),
      volumes: found.hiddenVolumes,
    },
    cannotStart: found.cannotStart,
    denied: found.denied.map(checkJson),
    unknown: found.unknown,
    disk: { imageBytes: found.imageBytes, freeBytes: found.freeBytes },
  }
}

export function planText({ setup, plan, notes, consequences }: PlanReport): string {
  const lines = [
    `Containers will have the uids ${describeMap(plan.maps.uids)}`,
    `and the gids ${describeMap(plan.maps.gids)} of the host.`,
    '',
    plan.edits.length === 0
      ? 'No file has to change.'
      : editsText(setup.host.root, plan.edits).replace(/\n$/, ''),
    ...notes.map((note) => `Note: ${printable(note)}`),
    ...(consequences === null ? [] : ['', ...consequencesText(consequences)]),
  ]
  return `${lines.join('\n')}\n`
}

function consequencesText(found: Consequences): string[] {
  const { hiddenImages, hiddenContainers, hiddenVolumes, cannotStart, denied, unknown } = found
  const running = hiddenContainers.filter(({ state }) => state === 'running')
  return [
    `What will follow, once the engine is restarted:`,
    `  It keeps everything in ${printable(found.newDataRoot)} from then on. Hidden, not gone, until 'disable':`,
    `    ${hiddenImages.length} images (at most ${mebibytes(found.imageBytes)}; ${mebibytes(found.freeBytes)} are free): carry them over with --migrate-images`,
    `    ${hiddenContainers.length} containers, of which ${running.length} run and will be stopped: make them anew`,
    `    ${hiddenVolumes.length} volumes of them${hiddenVolumes.length === 0 ? '' : ': copy what is in them'}`,
    ...hiddenVolumes.map(
      ({ container, source, target }) => `      ${container}:${printable(target)} ← ${printable(source)}`,
    ),
    ...section(
      'Cannot start any more:',
      cannotStart.map(({ container, why, mend }) => `${container}: ${why}; ${mend}`),
    ),
    ...(denied.length === 0 ? [] : ['  Bind mounts that will be denied:', ...denied.flatMap(checkText)]),
    ...section(
      'Cannot be told:',
      unknown.map(({ container, why }) => `${container}: ${printable(why)}`),
    ),
  ]
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`  ${title}`, ...lines.map((line) => `    ${line}`)]
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024 / 1024)} MiB`
}
