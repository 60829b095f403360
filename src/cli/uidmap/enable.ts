import { enable } from '../../uidmap/enable.ts'
import { restartProblem } from '../../uidmap/engine-problems.ts'
import { imagesWait } from '../../uidmap/images.ts'
import { chooseRestart } from '../../uidmap/restart.ts'
import { UserError } from '../../lib/errors.ts'
import { defineCommand, type ExitCode, shared } from '../command.ts'
import { rootOption } from './options.ts'
import { makePlan, planOptions, throwFirst } from './plan-report.ts'
import { planJson, planText } from './plan-text.ts'
import { progressOn } from './progress.ts'

export const restartOptions = {
  'migrate-images': { type: 'boolean', help: 'carry all images over' },
  restart: { type: 'boolean', help: 'restart the engine, which stops its containers' },
  'restart-command': { type: 'string', value: 'COMMAND', help: 'how, where no init system keeps the engine' },
} as const

export const command = defineCommand({
  summary: 'carry the plan out: files, restart, proof; undone when the engine does not come back',
  usage: [
    'uidmap enable [--base ID] [--size COUNT] [--user NAME] [--migrate-images] [--restart] --yes',
    '              [--root DIR] [--json]',
  ],
  description: `
Carries out what 'paddock uidmap plan' shows, which it shows first; without --yes that is all. Each file is replaced
in one step and its bytes are kept; the rest of daemon.json stays as it is. A run that was cut off is taken up by the
next. With --restart the engine is restarted, and a container is started to read its real ids from the kernel; when
the engine does not come back, or the ids are others, everything is undone. Without --restart nothing takes effect
until you restart it; saying the same command again afterwards proves the mapping and takes the images in.

Exit code: 0 done, or shown, 2 it could not be done, and nothing is left half-done.`,
  options: {
    ...planOptions,
    ...restartOptions,
    yes: shared.yes,
    json: shared.json,
    engine: shared.engine,
    policy: shared.policy,
    root: rootOption,
  },
  examples: [
    ['paddock uidmap enable', 'the plan; changes nothing'],
    ['paddock uidmap enable --migrate-images --restart --yes', 'all of it, in one go'],
  ],
  arguments: { min: 0, max: 0 },
  async run({ options, io }): Promise<ExitCode> {
    const json = options.json === true
    const report = await makePlan(options, io)
    const wantsRestart = options.restart === true || options['restart-command'] !== undefined
    const obstacles = [...report.obstacles, ...(wantsRestart ? restartProblem(report.setup) : [])]
    throwFirst(obstacles)
    if (!json) io.stdout.write(planText(report))
    if (options.yes !== true) {
      if (json) io.stdout.write(`${JSON.stringify({ ...planJson(report), done: false }, null, 2)}\n`)
      else io.stdout.write('\nNothing was changed. Add --yes to do it.\n')
      return 0
    }
    if (wantsRestart && report.setup.engine === null)
      throw new UserError('cannot restart the engine: none was found', { hint: 'name it with --engine' })
    using restart = wantsRestart
      ? chooseRestart(report.setup.host, report.setup.daemon, options['restart-command'])
      : null
    const progress = progressOn(io.stderr)
    const result = await enable({
      setup: report.setup,
      files: report.files,
      plan: report.plan,
      restart,
      migrateImages: options['migrate-images'] === true,
      signal: io.signal,
      tell(line) {
        progress.end()
        if (!json) io.stdout.write(`${line}\n`)
      },
      progress: progress.show,
    }).finally(progress.end)
    const imagesAreKept = imagesWait(report.setup.host, 'remapped')
    if (json)
      io.stdout.write(
        `${JSON.stringify({ ...planJson(report), done: true, ...result, imagesWait: imagesAreKept }, null, 2)}\n`,
      )
    else if (result.verified === null)
      io.stdout.write(
        `Restart the engine to make it so (systemctl restart docker)${imagesAreKept ? ', then say the same command again to take the images in' : ''}; 'paddock uidmap status' shows it.\n`,
      )
    else if (!result.restarted)
      io.stdout.write('The engine remaps; a container started to see it has the planned ids.\n')
    return 0
  },
})
