import { UserError } from '../../lib/errors.ts'
import { chooseServices } from '../../services/herd.ts'
import { type Host, type HostChoice, openHost, openHostAhead } from '../../services/host.ts'
import type { InstanceKind } from '../../services/instance.ts'
import { type Io, type Option, shared } from '../command.ts'
import { progressOn } from './progress.ts'

/** Options that mean the same in every command of services. */
export const serviceOptions = {
  herd: {
    type: 'string',
    value: 'DIR',
    help: 'the folder of your services; else PADDOCK_HERD, else ./herd',
  },
  json: shared.json,
  engine: shared.engine,
} as const satisfies Record<string, Option>

export const instanceOption = {
  type: 'string',
  value: 'KIND',
  help: 'prod (when absent), dev or test',
} as const satisfies Option

export const allOption = {
  type: 'boolean',
  short: 'a',
  help: 'every service of the herd',
} as const satisfies Option

/** Nothing is asked, so that all of it can be scripted; accepted where somebody is used to typing it. */
export const yesOption = {
  type: 'boolean',
  short: 'y',
  help: 'nothing is asked; accepted for scripts that say so everywhere',
} as const satisfies Option

interface Chosen {
  readonly herd?: string
  readonly engine?: string
  readonly json?: boolean
}

/** The herd and its engine; progress goes to standard error, for people. */
export function hostFor(options: Chosen, io: Io): Promise<Host> {
  return openHost(hostChoice(options, io))
}

/** The same, before the engine has answered. */
export function hostAhead(options: Chosen, io: Io): ReturnType<typeof openHostAhead> {
  return openHostAhead(hostChoice(options, io))
}

function hostChoice({ engine, herd, json }: Chosen, io: Io): HostChoice {
  return { engine, herd, env: io.env, signal: io.signal, tell: progressOn(io, json === true) }
}

const KINDS: readonly InstanceKind[] = ['prod', 'dev', 'test']

export function instanceKind(typed: string | undefined): InstanceKind {
  const kind = KINDS.find((one) => one === (typed ?? 'prod'))
  if (kind !== undefined) return kind
  throw new UserError(`there is no instance '${typed ?? ''}'`, { hint: 'it is prod, dev or test' })
}

/** For commands that change something: services are named, or --all. */
export function namedServices(
  host: Host,
  typed: readonly string[],
  all: boolean | undefined,
  gone: readonly string[] = [],
): readonly string[] {
  if (typed.length === 0 && all !== true) {
    throw new UserError('no service is named', { hint: 'name one, or say --all' })
  }
  return chooseServices(host.herd, typed, all === true, gone)
}
