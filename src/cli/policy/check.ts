import { accessSync, constants } from 'node:fs'
import { basename, join } from 'node:path'
import { hasCode, UserError } from '../../lib/errors.ts'
import { printable } from '../../lib/printable.ts'
import { adviceOn } from '../../policy/advice.ts'
import { type PolicyFile, readPolicies, readPolicyFile, readTrouble } from '../../policy/file.ts'
import { errorsOf, type Problem, problemText } from '../../policy/problem.ts'
import { checkComposeText } from '../../services/declaration.ts'
import { defineCommand, type ExitCode, shared } from '../command.ts'

export const command = defineCommand({
  summary: 'what is wrong in policy files',
  usage: ['policy check [FILE…]'],
  description: `
Reads policy files, or every *.yaml of a folder, and tells what is wrong in them: file, line, column, and what was
meant. Of a service's compose.yaml it reads x-paddock. Without FILE it reads what is in force: policy.d of
the configuration folder (/etc/paddock).

Exit code: 0 all is well, 1 something is wrong, 2 a file cannot be read.`,
  options: { json: shared.json, policy: shared.policy },
  examples: [
    ['paddock policy check', 'the policies that are in force'],
    ['paddock policy check web.yaml', 'one file, before it is put there'],
    ['paddock policy check herd/*/compose.yaml', 'the policies of all services'],
  ],
  arguments: { min: 0, max: Number.POSITIVE_INFINITY },
  run({ positionals, options, io }): Promise<ExitCode> {
    const named = [...positionals, ...(options.policy === undefined ? [] : [options.policy])]
    const folder = join(io.env['PADDOCK_CONFIG_DIR'] ?? '/etc/paddock', 'policy.d')
    for (const path of named.length === 0 ? [folder] : named) refuseUnreadable(path, named.length > 0)
    const read =
      named.length === 0
        ? [readPolicies(folder, { mustExist: false })]
        : named.map((path) => readPolicies(path, { mustExist: true }))
    const files = read.flatMap((one) => one.files).map(asItIs)
    const problems = [
      ...read.flatMap((one) => one.problems),
      ...files.flatMap((file) => [...file.problems, ...adviceOn(file)]),
    ]
    io.stdout.write(options.json === true ? jsonText(files, problems) : text(files, problems, named, folder))
    return Promise.resolve(problems.length > 0 ? 1 : 0)
  },
})

/** A service's compose file holds its policy under `x-paddock`. */
function asItIs(file: PolicyFile): PolicyFile {
  return /^(docker-)?compose\.ya?ml$/.test(basename(file.path))
    ? readPolicyFile(file.path, checkComposeText)
    : file
}

/** What is wrong in a file is found and told; a file that cannot be looked at could not be checked. */
function refuseUnreadable(path: string, mustExist: boolean): void {
  try {
    accessSync(path, constants.R_OK)
  } catch (error) {
    if (!(error instanceof Error) || (!mustExist && hasCode(error, 'ENOENT'))) return
    throw new UserError(`cannot check ${path}: ${readTrouble(error)}`, { cause: error })
  }
}

function text(
  files: readonly PolicyFile[],
  problems: readonly Problem[],
  named: readonly string[],
  folder: string,
) {
  const lines = problems.map(problemText)
  if (problems.length === 0) {
    const count = files.length === 1 ? '1 policy' : `${files.length} policies`
    lines.push(`${count}, nothing wrong${named.length === 0 ? ` (${printable(folder)})` : ''}`)
  }
  return `${lines.join('\n')}\n`
}

function jsonText(files: readonly PolicyFile[], problems: readonly Problem[]): string {
  const rules = ({ declaration }: PolicyFile) => declaration?.expect.length ?? 0
  return `${JSON.stringify({
    version: 1,
    ok: problems.length === 0,
    files: files.map((file) => ({
      file: file.path,
      loads: errorsOf(file.problems).length === 0,
      rules: rules(file),
    })),
    problems,
  })}\n`
}
