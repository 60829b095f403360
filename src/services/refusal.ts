import { UserError } from '../lib/errors.ts'
import { composeTrouble, type Docker, type Ran } from './docker.ts'

/** What compose and the engine say when they refuse, and what to try. The first that matches counts. */
const KNOWN: readonly (readonly [RegExp, hint: string])[] = [
  [
    /port is already allocated|address already in use|ports are not available/i,
    "something else has that port: 'ss -ltnp' shows what; stop it, or declare another one under 'ports'",
  ],
  [
    /container name .* is already in use/i,
    "a container that is not Paddock's has that name: rename or remove it, or leave out container_name",
  ],
  [
    /pull access denied|manifest unknown|no such image|not found: manifest|failed to resolve|no such host|connection refused|i\/o timeout|request canceled|dial tcp/i,
    'build it, or see whether its name is right and its registry can be reached',
  ],
  [/cannot connect to the docker daemon/i, 'start the engine, or name its socket with --engine unix:///…'],
  [/yaml: |mapping values|did not find expected/i, 'mend the compose file'],
  [
    /additional property|must be a|is invalid|undefined (network|volume|service)/i,
    'see the Compose Specification',
  ],
  [/no space left on device/i, "make room: 'docker system df' shows what takes it"],
]

/** Lines of compose that tell progress, not trouble. */
const PROGRESS =
  /^\s*(Container|Network|Volume|Image)\s.*\s(Creating|Created|Starting|Started|Recreate|Recreated|Running|Waiting|Healthy|Stopping|Stopped|Removing|Removed|Exited|Pulling|Pulled)\s*$|^time=.*level=warning|^\s*$/

/** The last thing that was said which is no progress, without compose's own prefixes. */
export function complaint({ stderr, stdout, code }: Ran): string {
  const lines = stderr.split('\n').filter((line) => !PROGRESS.test(line))
  const last = lines.at(-1) ?? stdout.trim().split('\n').at(-1) ?? ''
  const said = last.trim().replace(/^(Error response from daemon|Error): ?/i, '')
  return said === '' ? `it ended with code ${String(code)}` : said.slice(0, 1000)
}

/**
 * The error for a run that failed.
 * @param what could not be done, to what: "start 'web'"
 */
export async function refusal(docker: Docker, ran: Ran, what: string): Promise<UserError> {
  if (/not a docker command|unknown (shorthand )?flag|unknown command/i.test(ran.stderr)) {
    const trouble = await composeTrouble(docker)
    if (trouble !== null) return trouble
  }
  const said = complaint(ran)
  const hint = KNOWN.find(([pattern]) => pattern.test(said))?.[1]
  return new UserError(`cannot ${what}: ${said}`, hint === undefined ? {} : { hint })
}
