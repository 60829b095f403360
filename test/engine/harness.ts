import { dockerEnvironment, runDocker } from './docker-client.ts'
import type { EngineName, RunningEngine } from './engines.ts'
import { type DebianImage, fixtureImage } from './images.ts'
import { askForEngine } from './keeper-client.ts'

export { type EngineName, engineNames } from './engines.ts'
export { fixtureImage } from './images.ts'

export interface RunOptions {
  /** Without prefix; a number when absent. */
  readonly name?: string
  /** The fixture image when absent. */
  readonly image?: string
  /** Replaces the image's command. `sleep 1000000` when absent. */
  readonly command?: readonly string[]
  /** Further flags of `docker run`: `['--user', '1000', '-v', '/x:/y']`. */
  readonly args?: readonly string[]
  readonly labels?: Readonly<Record<string, string>>
}

export interface TestContainer {
  readonly id: string
  /** With the prefix. */
  readonly name: string
  /** Runs a program in the container; its standard output. */
  exec(...command: string[]): Promise<string>
  /** Its init's process id on the host. */
  pid(): Promise<number>
}

export interface TestEngine extends RunningEngine {
  /** Names of containers, volumes and images that a test file makes by `cli` begin with this. */
  readonly prefix: string
  /** Whether no other file uses it. */
  readonly own: boolean
  /** For a program that reaches the engine by `docker` or `docker compose`. */
  readonly env: NodeJS.ProcessEnv
  /** The docker client; its standard output. Rejects when it fails, with what it said. */
  cli(...args: string[]): Promise<string>
  /** `docker run --detach`, without network where `args` say nothing of `--network`. */
  run(options?: RunOptions): Promise<TestContainer>
}

let unnamed = 0

/**
 * A real engine, started when first asked for and shared by all files of a test run; stopped with everything it
 * made when the run ends, however it ends. Containers with this file's prefix go when the file is through.
 * @param own one that no other file uses: for what meets all that an engine has. Of several sensors on one engine, for
 * example, only one is asked whether a program may run.
 */
export async function testEngine(name: EngineName, { own = false } = {}): Promise<TestEngine> {
  const { engine, prefix } = await askForEngine(name, own)
  const cli = (...args: string[]) => runDocker(engine.address, args)
  return {
    ...engine,
    prefix,
    own,
    env: dockerEnvironment(engine.address),
    cli,
    run: (options = {}) => runContainer(cli, prefix, options),
  }
}

/**
 * Real Debian 12 with packages, as an image in the engine: `debianImage(engine, { tag: 'paddock-test/nginx:1',
 * packages: ['nginx-light'] })`. The first build of a package set takes a minute; then it is in the cache.
 * The same tag always means the same packages.
 * @returns the tag
 */
export async function debianImage(engine: TestEngine, image: DebianImage): Promise<string> {
  await askForEngine(engine.name, engine.own, image)
  return image.tag
}

async function runContainer(
  cli: TestEngine['cli'],
  prefix: string,
  { name, image = fixtureImage, command = ['sleep', '1000000'], args = [], labels = {} }: RunOptions,
): Promise<TestContainer> {
  unnamed++
  const full = `${prefix}${name ?? `c${String(unnamed)}`}`
  const labelFlags = Object.entries(labels).flatMap(([key, value]) => ['--label', `${key}=${value}`])
  const network = args.some((flag) => /^--net(work)?(=|$)/.test(flag)) ? [] : ['--network', 'none']
  const flags = [...network, '--name', full, ...labelFlags, ...args]
  const id = await cli('run', '--detach', ...flags, image, ...command)
  return {
    id,
    name: full,
    exec: (...words) => cli('exec', id, ...words),
    pid: async () => Number(await cli('inspect', '--format', '{{.State.Pid}}', id)),
  }
}
