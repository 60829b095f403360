import type { Container, EngineReader } from '../../engine/reader.ts'
import { UserError } from '../../lib/errors.ts'
import { printable } from '../../lib/printable.ts'
import { checkTenant } from '../../uidmap/check.ts'
import { readHostFiles } from '../../uidmap/host-files.ts'
import { checkJson, checkText, type ContainerCheck } from '../../uidmap/mount-json.ts'
import type { Tenant } from '../../uidmap/tenant.ts'
import { tenantOf, tenantOfDeclared, type TenantSources } from '../../uidmap/tenants.ts'
import { defineCommand, type ExitCode, type Io, shared } from '../command.ts'
import { serviceOptions } from '../services/options.ts'
import { declaredContainers, type Found, openedHerd } from './declared.ts'
import { openSetup, rootOption } from './options.ts'
import { chosenContainers, missingIsNull, openResidence } from './tenant-sources.ts'

export const command = defineCommand({
  summary: 'can the users of each container use what it mounts, and what mends it?',
  usage: ['uidmap check [NAME…] [--herd DIR] [--json]'],
  description: `
For each bind mount and volume of all containers, or those named, running or not, and, with --herd or PADDOCK_HERD,
of those that services declare and nobody has started yet: will those who live in the
container (whom it runs as, who runs in it now, whom policy expects) read, write and traverse it? Walks every folder
from / to the source and the tree below, and knows the map of the container, owners, modes, ACLs, read-only mounts
and SELinux labels. What fails is named, the one component at fault, with the one command that mends it.

Exit code: 0 all can be used, 1 something cannot, 2 a container could not be looked at.`,
  options: {
    json: shared.json,
    engine: shared.engine,
    policy: shared.policy,
    root: rootOption,
    herd: serviceOptions.herd,
  },
  examples: [
    ['paddock uidmap check', 'what each container cannot use of what it mounts'],
    ['paddock uidmap check web', 'the same for one'],
    ['paddock uidmap check --herd ./herd', 'with the services that are declared there'],
  ],
  arguments: { min: 0, max: Number.POSITIVE_INFINITY },
  async run({ positionals, options, io }): Promise<ExitCode> {
    const setup = await openSetup(options, io, 'always')
    const files = readHostFiles(setup.host, setup.configFile)
    const { reader, sources } = await openResidence(setup, files, options.policy, io)
    const checks: ContainerCheck[] = []
    const failures: Failure[] = []
    const { containers, declared } = await chosen(positionals, options.herd, reader, sources, io)
    const all: (ContainerCheck | Failure)[] = []
    for (const container of containers) all.push(await checkContainer(container, sources))
    all.push(...declared.map((one) => checkDeclared(one, sources)))
    for (const found of all) {
      if ('why' in found) failures.push(found)
      else checks.push(found)
    }
    const ok =
      failures.length === 0 && checks.every(({ mounts }) => mounts.every((one) => one.problems.length === 0))
    if (options.json === true)
      io.stdout.write(
        `${JSON.stringify({ version: 1, ok, containers: checks.map(checkJson), failures: failures.map(({ name, why }) => ({ container: name, error: why })) }, null, 2)}\n`,
      )
    else {
      const mounts = checks.reduce((sum, one) => sum + one.mounts.length, 0)
      const lines = [
        ...checks.flatMap(checkText),
        ...(ok ? [`${checks.length} containers with ${mounts} mounts: all can be used.`] : []),
      ]
      io.stdout.write(lines.map((line) => `${line}\n`).join(''))
      for (const { name, why } of failures)
        io.stderr.write(`paddock: cannot check ${name}: ${printable(why)}\n`)
    }
    return failures.length > 0 ? 2 : ok ? 0 : 1
  },
})

interface Failure {
  readonly name: string
  readonly why: string
}

/** Names are those of containers, else of services that are declared; none is all of both. */
async function chosen(
  names: readonly string[],
  herd: string | undefined,
  reader: EngineReader,
  sources: TenantSources,
  io: Io,
): Promise<{ readonly containers: readonly Container[]; readonly declared: readonly Found[] }> {
  const missing: string[] = []
  for (const name of names)
    if ((await reader.container(name).catch(missingIsNull)) === null) missing.push(name)
  const there = names.filter((name) => !missing.includes(name))
  const containers = names.length > 0 && there.length === 0 ? [] : await chosenContainers(reader, there)
  if (names.length > 0 && missing.length === 0) return { containers, declared: [] }
  const host = await openedHerd({ herd, engine: reader.address, isMeant: missing.length > 0 }, io)
  const all = host === null ? [] : await declaredContainers(host, sources)
  const unknown = missing.find((name) => !all.some((one) => belongsTo(one, name)))
  // The engine's own words for what is nobody's name.
  if (unknown !== undefined) await reader.container(unknown)
  return {
    containers,
    declared: names.length === 0 ? all : all.filter((one) => missing.some((name) => belongsTo(one, name))),
  }
}

function belongsTo({ name }: Found, typed: string): boolean {
  return name === typed || name.startsWith(`${typed}/`)
}

async function checkContainer(
  container: Container,
  sources: TenantSources,
): Promise<ContainerCheck | Failure> {
  try {
    return checkOf(container, await tenantOf(container, sources))
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return { name: container.name, why: error.message }
  }
}

function checkDeclared(found: Found, sources: TenantSources): ContainerCheck | Failure {
  return 'why' in found
    ? found
    : checkOf({ id: null, name: found.name }, tenantOfDeclared(found.declared, sources))
}

function checkOf(container: ContainerCheck['container'], tenant: Tenant | string): ContainerCheck | Failure {
  if (typeof tenant === 'string') return { name: container.name, why: tenant }
  const { running, maps } = tenant
  return { container, running, maps, mounts: checkTenant(tenant) }
}
