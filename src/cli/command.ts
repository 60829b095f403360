import type { Readable, Writable } from 'node:stream'

/** 0 all is well · 1 it found something · 2 it could not do what was asked. */
export type ExitCode = 0 | 1 | 2

export interface Option {
  readonly type: 'boolean' | 'string'
  readonly short?: string
  readonly multiple?: boolean
  /** What the help shows for the value of a string option: "NAME", "PATH". */
  readonly value?: string
  readonly help: string
}

type Options = Readonly<Record<string, Option>>

type Value<O extends Option> = O extends { type: 'boolean' }
  ? boolean
  : O extends { multiple: true }
    ? readonly string[]
    : string

type Values<O extends Options> = Options extends O
  ? Readonly<Record<string, boolean | string | readonly string[]>>
  : { readonly [K in keyof O]?: Value<O[K]> }

/** Everything a command may touch of the world around it. */
export interface Io {
  readonly stdin: Readable & { isTTY?: boolean }
  readonly stdout: Writable & { isTTY?: boolean; columns?: number }
  readonly stderr: Writable & { isTTY?: boolean; columns?: number; rows?: number }
  readonly env: Readonly<Record<string, string | undefined>>
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal
}

export interface Invocation<O extends Options = Options> {
  readonly positionals: readonly string[]
  readonly options: Values<O>
  readonly io: Io
}

export interface Command {
  /** One line for the list of commands. */
  readonly summary: string
  /** Lines after "paddock ". */
  readonly usage: readonly string[]
  /** Paragraphs below the usage: what it does, what its exit code says. */
  readonly description: string
  readonly options: Options
  /** What to type, and what it gives. */
  readonly examples: readonly (readonly [typed: string, gives: string])[]
  /** How many arguments may follow. */
  readonly arguments: { readonly min: number; readonly max: number }
  /** A method, so that a command may name its own options more exactly than this. */
  run(invocation: Invocation): Promise<ExitCode>
}

/** A command whose `run` sees its own options with their types. */
export function defineCommand<const O extends Options>(
  command: Omit<Command, 'options' | 'run'> & {
    options: O
    run(invocation: Invocation<O>): Promise<ExitCode>
  },
): Command {
  // main.ts parses by these very options, so `run` gets what it declares.
  return command as unknown as Command
}

/** Options that mean the same wherever they stand. */
export const shared = {
  json: { type: 'boolean', help: 'print JSON (docs/json.md) instead of text' },
  engine: {
    type: 'string',
    value: 'ADDRESS',
    help: "the engine's socket, unix:///…; else DOCKER_HOST, CONTAINER_HOST, the usual sockets",
  },
  policy: {
    type: 'string',
    value: 'PATH',
    help: 'a policy file or folder; else policy.d in the configuration folder (/etc/paddock)',
  },
  yes: { type: 'boolean', short: 'y', help: 'do it without asking' },
} as const satisfies Options
