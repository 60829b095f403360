import { PassThrough, type Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { UserError } from '../lib/errors.ts'
import { printable } from '../lib/printable.ts'
import { containersOf, ofInstance, type ServiceContainer } from './containers.ts'
import type { Host } from './host.ts'
import type { Instance } from './instance.ts'
import { LogLines } from './log-lines.ts'

export interface LogOptions {
  readonly follow: boolean
  /** "20"; all when absent. */
  readonly tail: string | undefined
  readonly output: Writable
  /** Control characters become escapes. */
  readonly isEscaped: boolean
}

/** Prints what an instance's containers print: byte by byte where it is one, else line by line with the container's name. */
export async function followLogs(host: Host, instance: Instance, options: LogOptions): Promise<void> {
  if (options.tail !== undefined && !/^\d{1,7}$/.test(options.tail)) {
    throw new UserError(`'${options.tail}' is no number of lines`)
  }
  const containers = await anyContainers(host, instance)
  const merged = new PassThrough()
  merged.setMaxListeners(0)
  merged.pipe(options.output, { end: false })
  await Promise.all(containers.map((one) => oneLog(host, one, options, merged, containers.length > 1)))
  merged.end()
  await finished(merged)
}

/** @throws UserError where the instance has no container */
export async function anyContainers(host: Host, instance: Instance): Promise<readonly ServiceContainer[]> {
  const containers = await containersOf(host, ofInstance(instance))
  if (containers.length > 0) return containers
  const kind = instance.kind === 'prod' ? '' : ` --instance ${instance.kind}`
  throw new UserError(`'${instance.service}' has no container (${instance.kind})`, {
    hint: `start it: paddock up ${instance.service}${kind}`,
  })
}

async function oneLog(
  host: Host,
  { id, name }: ServiceContainer,
  { follow, tail, isEscaped }: LogOptions,
  output: PassThrough,
  isNamed: boolean,
): Promise<void> {
  const sink = () => {
    const lines =
      isNamed || isEscaped
        ? new LogLines({ prefix: isNamed ? `${printable(name)} | ` : '', isEscaped })
        : new PassThrough()
    lines.pipe(output, { end: false })
    return lines
  }
  const flags = [...(follow ? ['--follow'] : []), ...(tail === undefined ? [] : ['--tail', tail])]
  const [stdout, stderr] = [sink(), sink()]
  const passed = Promise.all([finished(stdout), finished(stderr)])
  const { code } = await host.docker.run(['logs', ...flags, id], { output: { stdout, stderr } })
  await passed
  // What docker itself said of it stands in the output.
  if (code !== 0 && !host.signal.aborted) throw new UserError(`cannot read what '${name}' prints`)
}
