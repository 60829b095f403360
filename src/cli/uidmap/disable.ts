import { UserError } from '../../lib/errors.ts'
import { planDisable } from '../../uidmap/disable-plan.ts'
import { disable } from '../../uidmap/disable.ts'
import { restartProblem } from '../../uidmap/engine-problems.ts'
import { openFixes } from '../../uidmap/fix-log.ts'
import { readHostFiles } from '../../uidmap/host-files.ts'
import { imagesWait } from '../../uidmap/images.ts'
import { chooseRestart } from '../../uidmap/restart.ts'
import { refuseOthers, type Setup } from '../../uidmap/setup.ts'
import { printable } from '../../lib/printable.ts'
import { defineCommand, type ExitCode, shared } from '../command.ts'
import { restartOptions } from './enable.ts'
import { openSetup, rootOption } from './options.ts'
import { diffOf, editsText, throwFirst } from './plan-report.ts'
import { progressOn } from './progress.ts'

export const command = defineCommand({
  summary: 'the way back: every file as it was before enable',
  usage: ['uidmap disable [--migrate-images] [--restart] --yes [--root DIR] [--json]'],
  description: `
Puts every file back that 'paddock uidmap enable' changed: byte for byte, or, where others wrote to it since, without
what enable and names added. Without --yes it shows the diff only. Images, containers and volumes from before are in
view again after the restart; those of the remapped engine are hidden then, and stay in its folder.

Exit code: 0 done, or shown, 2 it could not be done.`,
  options: {
    ...restartOptions,
    yes: shared.yes,
    json: shared.json,
    engine: shared.engine,
    root: rootOption,
  },
  examples: [
    ['paddock uidmap disable', 'what would change back; changes nothing'],
    ['paddock uidmap disable --restart --yes', 'all of it'],
  ],
  arguments: { min: 0, max: 0 },
  async run({ options, io }): Promise<ExitCode> {
    const json = options.json === true
    // An engine that does not start is a reason for disable, and no hindrance.
    const setup = await openSetup(options, io, 'never')
    refuseOthers(setup, 'disable remapping')
    const files = readHostFiles(setup.host, setup.configFile)
    const configured = { ...setup, configFile: files.record?.daemonJson ?? setup.configFile }
    const plan = planDisable(setup.host, files)
    const wantsRestart = options.restart === true || options['restart-command'] !== undefined
    throwFirst(wantsRestart ? restartProblem(configured) : [])
    const head = {
      version: 1,
      edits: plan.edits.map((edit) => ({
        path: `${setup.host.root}${edit.path}`,
        diff: diffOf(setup.host.root, edit),
      })),
      notes: [...plan.notes, ...leftBehind(setup)],
    }
    if (!json) {
      io.stdout.write(
        plan.edits.length === 0 ? 'No file has to change.\n' : editsText(setup.host.root, plan.edits),
      )
      for (const note of head.notes) io.stdout.write(`Note: ${printable(note)}\n`)
    }
    if (options.yes !== true) {
      io.stdout.write(
        json
          ? `${JSON.stringify({ ...head, done: false }, null, 2)}\n`
          : '\nNothing was changed. Add --yes to do it.\n',
      )
      return 0
    }
    if (
      wantsRestart &&
      setup.engine === null &&
      options['restart-command'] === undefined &&
      setup.host.root !== ''
    )
      throw new UserError('cannot restart the engine: none answers', { hint: 'start it yourself' })
    using restart = wantsRestart ? chooseRestart(setup.host, setup.daemon, options['restart-command']) : null
    const progress = progressOn(io.stderr)
    const result = await disable({
      setup: configured,
      files,
      plan,
      restart,
      migrateImages: options['migrate-images'] === true,
      signal: io.signal,
      tell(line) {
        progress.end()
        if (!json) io.stdout.write(`${line}\n`)
      },
      progress: progress.show,
    }).finally(progress.end)
    const imagesAreKept = imagesWait(setup.host, 'plain')
    if (json)
      io.stdout.write(
        `${JSON.stringify({ ...head, done: true, ...result, imagesWait: imagesAreKept }, null, 2)}\n`,
      )
    else if (!result.restarted && setup.engine?.info.usernsRemap === true)
      io.stdout.write(
        `Restart the engine to make it so (systemctl restart docker)${imagesAreKept ? ', then say the same command again to take the images in' : ''}.\n`,
      )
    return 0
  },
})

function leftBehind({ host, engine }: Setup): string[] {
  const fixes = openFixes(host)
  return [
    ...(engine?.info.usernsRemap === true
      ? [
          `what the remapped engine keeps stays in ${engine.info.dataRoot}, out of view; remove it when nothing of it is wanted`,
        ]
      : []),
    ...(fixes.length === 0
      ? []
      : [
          `owners changed by 'paddock uidmap fix' stay; take each back with ${fixes.map((file) => `'paddock uidmap fix --undo ${file} --yes'`).join(', ')}`,
        ]),
  ]
}
