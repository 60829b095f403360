import { locateContainer } from '../cow/locate.ts'
import { parseDuration } from '../lib/duration.ts'
import { printable } from '../lib/printable.ts'
import { atWork } from '../services/at-work.ts'
import { type Host, serviceOf } from '../services/host.ts'
import { shortId } from '../services/release.ts'
import { type Upgrade, upgrade } from '../services/upgrade.ts'
import { inWaves, oneByOne, waves } from '../services/waves.ts'
import { defineCommand, type ExitCode, type Io } from './command.ts'
import { declaredPolicies } from './policy-path.ts'
import { scanContainer } from './scan/scan-container.ts'
import { openAlerts } from './services/open-alerts.ts'
import { allOption, hostFor, namedServices, serviceOptions, yesOption } from './services/options.ts'
import { reportOutcomes } from './services/report.ts'

export const command = defineCommand({
  summary: 'build, test, promote, restart, watch; and back by itself if it is not well',
  usage: ['upgrade SERVICE… [--watch 30s] [--no-build]', 'upgrade --all'],
  description: `
Builds and tests the service; if the test passes, promotes it, restarts production and watches it for a while: health,
restarts, changes that its policy does not expect, and new alerts of 'paddock watch'. If it is not well, production goes
back to what ran before, with the declaration that it ran with. An upgrade that is interrupted is undone by the next command on the service.

Exit code: 0 the new one runs, 1 its test failed or it was not well and production is what it was, 2 it could not be done.`,
  options: {
    ...serviceOptions,
    all: allOption,
    watch: { type: 'string', value: 'TIME', help: "how long to watch; else the service's own, else 30s" },
    'no-build': { type: 'boolean', help: 'take :latest as it is' },
    yes: yesOption,
  },
  examples: [['paddock upgrade web', 'the new version, or the old one again']],
  arguments: { min: 0, max: Number.POSITIVE_INFINITY },
  async run({ positionals, options, io }): Promise<ExitCode> {
    const watchMs = options.watch === undefined ? null : parseDuration(options.watch)
    const host = await hostFor(options, io)
    const names = namedServices(host, positionals, options.all)
    // What a service needs is new and well before its own test asks for it.
    const order = waves(names.map((name) => serviceOf(host, name)))
      .flat()
      .map(({ name }) => name)
    const outcomes = await inWaves(oneByOne(order), ({ name }) =>
      atWork(host, name, 'upgrade', () => {
        const service = serviceOf(host, name)
        return upgrade(host, service, {
          builds: options['no-build'] !== true,
          watchMs: watchMs ?? service.settings.watchMs,
          lookAt: (id) => unexpectedChange(host, io, id),
          alerts: () => openAlerts(io),
        })
      }),
    )
    return reportOutcomes(io, options.json === true, outcomes, {
      json: {},
      fields: ({ outcome, reason, live, test }) => ({
        outcome,
        reason,
        live: live?.images ?? null,
        logs: test?.logs ?? null,
      }),
      lines: (result) => [told(result)],
      isWell: ({ outcome }) => outcome === 'kept' || outcome === 'unchanged',
    })
  },
})

function told({ outcome, reason, live, test }: Upgrade): string {
  const now = live === null ? 'down, as before' : Object.values(live.images).map(shortId).join(', ')
  const why = printable(reason ?? '')
  return {
    kept: `upgraded: live is ${now}`,
    unchanged: `nothing new: live is ${now}`,
    'test-failed': `NOT UPGRADED: ${why}; its logs: ${printable(test?.logs ?? '')}`,
    back: `WENT BACK: ${why}; live is ${now}`,
  }[outcome]
}

/** What a scan of the container finds that its policy does not expect; null where nothing. */
async function unexpectedChange(host: Host, io: Io, id: string): Promise<string | null> {
  const asked = await host.engine.container(id)
  const { container, layer } = await locateContainer(host.engine, asked, { stateDir: host.stateDir })
  const job = {
    engine: host.engine,
    declarations: declaredPolicies(undefined, io.env),
    all: false,
    hash: false,
    stateDir: host.stateDir,
    signal: io.signal,
  }
  const { counts } = await scanContainer(container, layer, job, () => undefined)
  return counts.unexpected === 0
    ? null
    : `${counts.unexpected} unexpected changes (see 'paddock scan ${container.name}')`
}
