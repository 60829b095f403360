import { defineCommand, type ExitCode, shared } from '../command.ts'
import { rootOption } from './options.ts'
import { makePlan, planOptions, throwFirst } from './plan-report.ts'
import { planJson, planText } from './plan-text.ts'

export const command = defineCommand({
  summary: 'everything that enable would change, and what will follow; changes nothing',
  usage: ['uidmap plan [--base ID] [--size COUNT] [--user NAME] [--root DIR] [--json]'],
  description: `
Shows what 'paddock uidmap enable' would change, as a diff of each file, and what will follow: images, containers
and volumes that disappear from view, containers that cannot start any more, bind mounts that will be denied, each
with the folder at fault and what mends it, and the disk that is needed.

Exit code: 0 nothing that runs now will fail, 1 something will, 2 it cannot be carried out.`,
  options: {
    ...planOptions,
    json: shared.json,
    engine: shared.engine,
    policy: shared.policy,
    root: rootOption,
  },
  examples: [
    ['paddock uidmap plan', 'the plan with a range that is free'],
    ['paddock uidmap plan --base 300000 --user containers', 'another range, for a user of your own'],
  ],
  arguments: { min: 0, max: 0 },
  async run({ options, io }): Promise<ExitCode> {
    const report = await makePlan(options, io)
    if (options.json === true) io.stdout.write(`${JSON.stringify(planJson(report), null, 2)}\n`)
    else if (report.obstacles.length === 0) io.stdout.write(planText(report))
    throwFirst(report.obstacles)
    const { consequences } = report
    if (consequences === null) return 0
    return consequences.cannotStart.length + consequences.denied.length > 0 ? 1 : 0
  },
})
