import type { EngineInfo, EngineReader } from '../../engine/reader.ts'
import { type EngineWriter, openWriter } from '../../engine/writer.ts'
import { UserError } from '../../lib/errors.ts'
import { printable } from '../../lib/printable.ts'
import { parseGroup, parseId, parsePasswd } from '../../uidmap/accounts.ts'
import { engineMaps } from '../../uidmap/engine-maps.ts'
import { readHostFiles } from '../../uidmap/host-files.ts'
import type { IdMaps } from '../../uidmap/id-map.ts'
import { remapState } from '../../uidmap/remap-state.ts'
import {
  type IdKind,
  type Resident,
  type Resolved,
  resolveInside,
  resolveOutside,
} from '../../uidmap/resolve.ts'
import { accountsOf, mapsOfTenant } from '../../uidmap/tenants.ts'
import { defineCommand, type ExitCode, shared } from '../command.ts'
import { openSetup, rootOption } from './options.ts'
import { missingIsNull } from './tenant-sources.ts'

export const command = defineCommand({
  summary: "a container's user as an id of the host, and back",
  usage: ['uidmap resolve CONTAINER:USER [--group] [--json]', 'uidmap resolve ID [--group] [--json]'],
  description: `
Which id of the host a container's user has, by name or id; or, given an id of the host, whose it is in each
container that has it. Containers of one engine that remaps share one map: all that run are named.

Exit code: 0 somebody was found, 1 nobody, 2 it cannot be told.`,
  options: {
    group: { type: 'boolean', short: 'g', help: 'it is a group' },
    json: shared.json,
    engine: shared.engine,
    root: rootOption,
  },
  examples: [
    ['paddock uidmap resolve web:www-data', 'web:www-data (33) is uid 200033 of the host'],
    ['paddock uidmap resolve 200033', 'uid 200033 of the host is www-data (33) of web'],
  ],
  arguments: { min: 1, max: 1 },
  async run({ positionals: [query = ''], options, io }): Promise<ExitCode> {
    const kind: IdKind = options.group === true ? 'gid' : 'uid'
    const setup = await openSetup(options, io, 'always')
    if (setup.engine === null) throw new UserError('cannot resolve without an engine')
    const { reader, info } = setup.engine
    const files = readHostFiles(setup.host, setup.configFile)
    const source: Source = {
      reader,
      info,
      writer: await openWriter(reader, io.signal),
      maps: engineMaps(setup.host, { info, address: reader.address }, remapState(setup, files).configured),
    }
    const answers = await resolve(query, kind, source)
    const names =
      kind === 'uid'
        ? new Map(parsePasswd(files.passwd).map(({ uid, name }) => [uid, name]))
        : new Map(parseGroup(files.group).map(({ gid, name }) => [gid, name]))
    if (options.json === true)
      io.stdout.write(
        `${JSON.stringify({ version: 1, query, kind, answers: answers.map((one) => answerJson(one, names)) }, null, 2)}\n`,
      )
    else
      io.stdout.write(
        answers.length === 0
          ? `${nobody(query, kind)}\n`
          : answers.map((one) => `${sentence(one, kind, query)}\n`).join(''),
      )
    return answers.some(({ outside }) => outside !== null) ? 0 : 1
  },
})

interface Source {
  readonly reader: EngineReader
  readonly info: EngineInfo
  readonly writer: EngineWriter
  /** Of containers that do not run and ask for none of their own. */
  readonly maps: IdMaps
}

async function resolve(query: string, kind: IdKind, source: Source): Promise<Resolved[]> {
  const [, name, who] = /^([^:]+):(.+)$/s.exec(query) ?? []
  if (name !== undefined && who !== undefined) {
    const resident = await residentOf(name, source)
    if (resident === null)
      throw new UserError(
        `cannot resolve '${query}': ${name} does not run, and which ids it will get is decided when it starts`,
      )
    const found = resolveInside(resident, who, kind)
    if (found !== null) return [found]
    throw new UserError(
      `cannot resolve '${query}': ${name} knows no ${kind === 'uid' ? 'user' : 'group'} '${who}'`,
      {
        hint: 'name it by its id in the container',
      },
    )
  }
  const outside = parseId(query)
  if (outside === null)
    throw new UserError(`cannot resolve '${query}': it is neither CONTAINER:USER nor an id of the host`, {
      hint: "say 'paddock uidmap resolve web:33' or 'paddock uidmap resolve 200033'",
    })
  const running = await source.reader.containers({ all: false })
  const residents = await Promise.all(running.map(({ id }) => residentOf(id, source).catch(missingIsNull)))
  return residents
    .flatMap((one) => (one === null ? [] : (resolveOutside(one, outside, kind) ?? [])))
    .toSorted((a, b) => a.container.name.localeCompare(b.container.name))
}

async function residentOf(name: string, { reader, info, writer, maps }: Source): Promise<Resident | null> {
  const container = await reader.container(name)
  const own = mapsOfTenant(container, { info, engineMaps: maps })
  return own === null ? null : { container, maps: own, accounts: await accountsOf(container, writer) }
}

function answerJson({ container, inside, outside }: Resolved, names: ReadonlyMap<number, string>) {
  return {
    container: container.name,
    id: container.id,
    inside,
    host: outside === null ? null : { id: outside, name: names.get(outside) ?? null },
  }
}

function sentence({ container, inside, outside }: Resolved, kind: IdKind, query: string): string {
  const who = inside.name === null ? String(inside.id) : `${printable(inside.name)} (${inside.id})`
  if (outside === null)
    return `${container.name}:${who} has no ${kind} on the host: it lies outside of the container's map`
  return query.includes(':')
    ? `${container.name}:${who} is ${kind} ${outside} of the host`
    : `${kind} ${outside} of the host is ${who} of ${container.name}`
}

function nobody(query: string, kind: IdKind): string {
  return `${kind} ${query} of the host is nobody's in any running container`
}
