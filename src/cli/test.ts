import { printable } from '../lib/printable.ts'
import { atWork } from '../services/at-work.ts'
import { serviceOf } from '../services/host.ts'
import { runTest, type TestOptions } from '../services/test-run.ts'
import { inWaves, oneByOne } from '../services/waves.ts'
import { defineCommand, type ExitCode } from './command.ts'
import { proposal, TestLearning } from './services/learn-test.ts'
import { allOption, hostFor, namedServices, serviceOptions } from './services/options.ts'
import { reportOutcomes } from './services/report.ts'

export const command = defineCommand({
  summary: 'test :latest beside production, in an instance of its own',
  usage: ['test SERVICE… [--learn]', 'test --all'],
  description: `
Starts an instance of the image :latest with scratch data, and all that it needs, waits until it is healthy, runs the
service's test for a bounded time, and takes everything down again. A pass is remembered for that very image: promote
asks for it. With --learn the instance is watched meanwhile, and what it did beyond the service's policy is printed as
lines for its compose file; it may write more than production may, so that such a run counts as no pass. The test finds the instance in PADDOCK_CONTAINER, PADDOCK_ADDR, PADDOCK_PORT_<container port> and PADDOCK_DATA.

Exit code: 0 passed, 1 one failed (its output and logs are kept), 2 it could not be run.`,
  options: {
    ...serviceOptions,
    all: allOption,
    learn: { type: 'boolean', help: 'propose the policy of what the service does while its test runs' },
  },
  examples: [
    ['paddock test web', 'pass or fail; production does not notice'],
    ['paddock test web --learn', 'the lines of policy that its work asks for'],
  ],
  arguments: { min: 0, max: Number.POSITIVE_INFINITY },
  async run({ positionals, options, io }): Promise<ExitCode> {
    const host = await hostFor(options, io)
    const names = namedServices(host, positionals, options.all)
    const outcomes = await inWaves(oneByOne(names), ({ name }) =>
      atWork(host, name, 'test', async () => {
        const service = serviceOf(host, name)
        if (options.learn !== true) return { ...(await runTest(host, service)), service, learnt: null }
        const learning = new TestLearning()
        const learn: TestOptions['learn'] = (instance, ends) => learning.watch(host, instance, ends)
        const result = await runTest(host, service, { learn })
        // What a service does when all is well is learnt while its test passes.
        return { ...result, service, learnt: result.ok ? learning.learnt(service) : null }
      }),
    )
    return reportOutcomes(io, options.json === true, outcomes, {
      json: {},
      fields: ({ images, reason, logs, durationMs, learnt }) => ({
        images,
        reason,
        logs,
        durationMs,
        ...(options.learn === true ? { learnt } : {}),
      }),
      lines: ({ ok, reason, logs }) =>
        ok
          ? ['passed']
          : [`FAILED: ${printable(reason ?? '')}`, `its output and logs: ${printable(logs ?? '')}`],
      text: ({ service, learnt }) => (learnt === null ? '' : proposal(service, learnt)),
      isWell: ({ ok }) => ok,
    })
  },
})
