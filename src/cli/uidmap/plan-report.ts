import { spawnSync } from 'node:child_process'
import { UserError } from '../../lib/errors.ts'
import { printable } from '../../lib/printable.ts'
import { type Consequences, consequencesOf } from '../../uidmap/consequences.ts'
import { DEFAULT_USER, type EnablePlan, planEnable } from '../../uidmap/enable-plan.ts'
import { engineProblems } from '../../uidmap/engine-problems.ts'
import { type HostFiles, readHostFiles } from '../../uidmap/host-files.ts'
import { lineDiff } from '../../uidmap/line-diff.ts'
import type { FileEdit } from '../../uidmap/file-edit.ts'
import type { Obstacle } from '../../uidmap/obstacle.ts'
import { refuseOthers, type Setup } from '../../uidmap/setup.ts'
import type { Io, Option } from '../command.ts'
import { openSetup } from './options.ts'
import { chosenContainers, openResidence } from './tenant-sources.ts'

/** What `plan` and `enable` are asked for alike. */
export const planOptions = {
  base: {
    type: 'string',
    value: 'ID',
    help: 'the first id of the range; else 200000, or the next that is free',
  },
  size: { type: 'string', value: 'COUNT', help: 'how many ids containers have (65536)' },
  user: {
    type: 'string',
    value: 'NAME',
    help: `the user whose range it is (${DEFAULT_USER}); made where there is none`,
  },
} as const satisfies Record<string, Option>

export interface PlanOptions {
  readonly base?: string | undefined
  readonly size?: string | undefined
  readonly user?: string | undefined
  readonly root?: string | undefined
  readonly engine?: string | undefined
  readonly policy?: string | undefined
}

export interface PlanReport {
  readonly setup: Setup
  readonly files: HostFiles
  readonly plan: EnablePlan
  readonly obstacles: readonly Obstacle[]
  readonly notes: readonly string[]
  /** Null: no engine was asked, or it remaps already. */
  readonly consequences: Consequences | null
}

/** Reads everything and decides; changes nothing. */
export async function makePlan(options: PlanOptions, io: Io): Promise<PlanReport> {
  const request = {
    user: options.user ?? DEFAULT_USER,
    base: numberOf('--base', options.base),
    size: numberOf('--size', options.size),
  }
  const setup = await openSetup(options, io, 'if-named')
  refuseOthers(setup, 'plan remapping')
  const files = readHostFiles(setup.host, setup.configFile)
  const inDirectory = setup.host.root === '' ? isKnown(request.user) : null
  const plan = planEnable(setup.host, files, { ...request, inDirectory })
  const engine = engineProblems(setup, plan.maps)
  const obstacles = [...plan.obstacles, ...engine.obstacles]
  return {
    setup,
    files,
    plan,
    obstacles,
    notes: [...plan.notes, ...engine.notes, ...(setup.engine === null ? [NO_ENGINE] : [])],
    consequences: obstacles.length > 0 ? null : await consequences(setup, files, plan, options, io),
  }
}

const NO_ENGINE = 'no engine was asked: what will follow for its images and containers is not known'

function numberOf(option: string, text: string | undefined): number | null {
  if (text === undefined) return null
  if (/^-?\d{1,12}$/.test(text)) return Number(text)
  throw new UserError(`cannot use ${option} ${text}: it is no number`, {
    hint: 'say --base 200000 --size 65536',
  })
}

/** A directory service that is away may never answer. */
const ANSWER_MS = 10_000

/** getent(1): 2 is "not there". @returns null where it cannot be asked */
function isKnown(user: string): boolean | null {
  const { status } = spawnSync('getent', ['passwd', '--', user], { stdio: 'ignore', timeout: ANSWER_MS })
  return status === 0 ? true : status === 2 ? false : null
}

async function consequences(
  setup: Setup,
  files: HostFiles,
  plan: EnablePlan,
  options: PlanOptions,
  io: Io,
): Promise<Consequences | null> {
  if (setup.engine === null || setup.engine.info.usernsRemap) return null
  const { reader, sources } = await openResidence(setup, files, options.policy, io)
  return consequencesOf(plan.maps, await chosenContainers(reader, []), await reader.images(), sources)
}

export function throwFirst([first]: readonly Obstacle[]): void {
  if (first !== undefined) throw new UserError(first.problem, { hint: first.hint })
}

/** A unified diff of one edit, the bytes as they are. */
export function diffOf(root: string, { path, before, after }: FileEdit): string {
  return Buffer.from(lineDiff(`${root}${path}`, before, after), 'latin1').toString('utf8')
}

/** Diffs for people. */
export function editsText(root: string, edits: readonly FileEdit[]): string {
  return edits.map((edit) => diffOf(root, edit).split('\n').map(printable).join('\n')).join('')
}
