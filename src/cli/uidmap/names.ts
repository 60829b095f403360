import { spawnSync } from 'node:child_process'
import type { EngineReader } from '../../engine/reader.ts'
import { openWriter } from '../../engine/writer.ts'
import { UserError } from '../../lib/errors.ts'
import { printable } from '../../lib/printable.ts'
import { parsePasswd } from '../../uidmap/accounts.ts'
import { engineMaps } from '../../uidmap/engine-maps.ts'
import { carryOut, type FileEdit } from '../../uidmap/file-edit.ts'
import { type HostFiles, readHostFiles } from '../../uidmap/host-files.ts'
import { accountsOfImages } from '../../uidmap/image-accounts.ts'
import { type ImageAccounts, type NamesPlan, planNames, planNamesRemoval } from '../../uidmap/names-plan.ts'
import { remapState } from '../../uidmap/remap-state.ts'
import { refuseOthers, type Setup } from '../../uidmap/setup.ts'
import { defineCommand, type ExitCode, type Io, shared } from '../command.ts'
import { openSetup, rootOption } from './options.ts'
import { diffOf, editsText } from './plan-report.ts'

export const command = defineCommand({
  summary: 'names for mapped ids (droot, dnginx, …), so that ps and ls on the host read well',
  usage: ['uidmap names [--remove] [--yes] [--root DIR] [--json]'],
  description: `
Shows entries for /etc/passwd and /etc/group that give the mapped ids the names of the images' own passwd, with a d in
front: uid 200033 reads as dwww-data. With --yes writes them; saying it again brings them up to date, --remove takes
them away, and so does disable. None of them can log in, and none takes a name or an id that is there already.

Exit code: 0 done, or shown, 2 it could not be done.`,
  options: {
    remove: { type: 'boolean', help: 'take all of them away' },
    yes: shared.yes,
    json: shared.json,
    engine: shared.engine,
    root: rootOption,
  },
  examples: [
    ['paddock uidmap names --yes', 'writes them; ps shows dwww-data in place of 200033'],
    ['paddock uidmap names --remove --yes', 'takes them away'],
  ],
  arguments: { min: 0, max: 0 },
  async run({ options, io }): Promise<ExitCode> {
    const remove = options.remove === true
    const setup = await openSetup(options, io, remove ? 'never' : 'always')
    refuseOthers(setup, 'name the ids')
    const files = readHostFiles(setup.host, setup.configFile)
    const plan: NamesPlan = remove
      ? { users: [], groups: [], notes: [], edits: planNamesRemoval(files) }
      : await plannedNames(setup, files, io)
    if (options.yes === true) carryOut(setup.host, plan.edits, () => undefined)
    print(setup, plan, { io, json: options.json === true, done: options.yes === true })
    return 0
  },
})

async function plannedNames(setup: Setup, files: HostFiles, io: Io): Promise<NamesPlan> {
  const { engine, host } = setup
  if (engine === null) throw new UserError('cannot name the ids without an engine')
  if (!engine.info.usernsRemap)
    throw new UserError(`cannot name the ids: the engine at ${engine.reader.address} does not remap`, {
      hint: "see 'paddock uidmap plan'",
    })
  const maps = engineMaps(
    host,
    { info: engine.info, address: engine.reader.address },
    remapState(setup, files).configured,
  )
  const images = await imagesOf(engine.reader, io)
  return planNames(host, files, maps, images, host.root === '' ? knownElsewhere(files, images) : new Set())
}

async function imagesOf(reader: EngineReader, io: Io): Promise<ImageAccounts[]> {
  return accountsOfImages(await reader.images(), reader, await openWriter(reader, io.signal))
}

/** Asked in one go, and no more of it than a command line holds. */
const MOST_ASKED = 2000

/** Names that only a directory service knows (getent(1)). */
function knownElsewhere(files: HostFiles, images: readonly ImageAccounts[]): ReadonlySet<string> {
  const names = images.flatMap(({ accounts: { users, groups } }) =>
    [...users, ...groups].map(({ name }) => `d${name}`),
  )
  const asked = [...new Set(names)]
    .filter((name) => /^[a-z_][a-z0-9_-]{0,31}$/.test(name))
    .slice(0, MOST_ASKED)
  if (asked.length === 0) return new Set()
  const { stdout } = spawnSync('getent', ['passwd', '--', ...asked], { encoding: 'latin1' })
  const own = new Set(parsePasswd(files.passwd).map(({ name }) => name))
  return new Set(
    parsePasswd(stdout)
      .map(({ name }) => name)
      .filter((name) => !own.has(name)),
  )
}

interface Printing {
  readonly io: Io
  readonly json: boolean
  readonly done: boolean
}

function print(
  { host }: Setup,
  { users, groups, edits, notes }: NamesPlan,
  { io, json, done }: Printing,
): void {
  if (json) {
    const document = {
      version: 1,
      users,
      groups,
      notes,
      edits: edits.map((edit) => editJson(host.root, edit)),
      done,
    }
    io.stdout.write(`${JSON.stringify(document, null, 2)}\n`)
    return
  }
  io.stdout.write(edits.length === 0 ? 'No file has to change.\n' : editsText(host.root, edits))
  for (const note of notes) io.stdout.write(`Note: ${printable(note)}\n`)
  if (edits.length > 0) io.stdout.write(done ? 'Written.\n' : '\nNothing was changed. Add --yes to do it.\n')
}

function editJson(root: string, edit: FileEdit) {
  return { path: `${root}${edit.path}`, diff: diffOf(root, edit) }
}
