import type { Command } from './command.ts'

/** Commands below one name. `fallback` is what runs when none of them is named: `paddock alerts` is `paddock alerts ls`. */
export interface CommandGroup {
  readonly subcommands: Readonly<Record<string, CommandEntry>>
  readonly fallback?: string
}

export interface CommandEntry {
  readonly summary: string
  readonly load: () => Promise<{ command: Command } | CommandGroup>
}

/** What can be typed after `paddock`, in the order of `paddock --help`. The summary stands here so that help loads nothing. */
export const commands: Readonly<Record<string, CommandEntry>> = {
  scan: {
    summary: 'what has each container changed that nobody expected?',
    load: () => import('./scan.ts'),
  },
  cow: {
    summary: "one container's layer directory: where it lies, what is in it, put back",
    load: () => import('./cow.ts'),
  },
  policy: {
    summary: 'check policy files, explain what they say of a path',
    load: () => import('./policy.ts'),
  },
  harden: {
    summary: 'an image with nothing in it that the service does not need',
    load: () => import('./harden.ts'),
  },
  watch: {
    summary: 'every unexpected change and program, the moment it happens',
    load: () => import('./watch.ts'),
  },
  alerts: {
    summary: 'what was found and waits for a person: list, read, acknowledge',
    load: () => import('./alerts/commands.ts'),
  },
  learn: {
    summary: 'write the policy of what a service does when all is well',
    load: () => import('./learn.ts'),
  },
  install: {
    summary: 'the user, folders and systemd units that Paddock runs with',
    load: () => import('./install.ts'),
  },
  uninstall: {
    summary: 'take away what `paddock install` put there',
    load: () => import('./uninstall.ts'),
  },
  audit: {
    summary: 'who and what on this host can become root through the engine',
    load: () => import('./audit.ts'),
  },
  init: {
    summary: 'begin a service: a folder that builds, passes its test and is hardened',
    load: () => import('./init.ts'),
  },
  build: {
    summary: 'build and harden the images of services: what comes of it is :latest',
    load: () => import('./build.ts'),
  },
  test: {
    summary: 'test :latest beside production, in an instance of its own',
    load: () => import('./test.ts'),
  },
  promote: {
    summary: 'make what was tested production: :live becomes :prev, :latest becomes :live',
    load: () => import('./promote.ts'),
  },
  upgrade: {
    summary: 'build, test, promote, restart, watch; and back by itself if it is not well',
    load: () => import('./upgrade.ts'),
  },
  rollback: {
    summary: 'production returns to what it ran before',
    load: () => import('./rollback.ts'),
  },
  config: {
    summary: 'the compose file that a service really runs with',
    load: () => import('./config.ts'),
  },
  up: {
    summary: 'start services and wait until they are healthy',
    load: () => import('./up.ts'),
  },
  down: {
    summary: 'stop services and remove their containers',
    load: () => import('./down.ts'),
  },
  restart: {
    summary: 'start services anew, from their clean images',
    load: () => import('./restart.ts'),
  },
  scale: {
    summary: 'run N replicas of a service',
    load: () => import('./scale.ts'),
  },
  ps: {
    summary: 'what runs of the herd, how well, and whether it is what it should be',
    load: () => import('./ps.ts'),
  },
  logs: {
    summary: 'what the containers of a service print',
    load: () => import('./logs.ts'),
  },
  shell: {
    summary: 'a shell, or another program, in a running container of a service',
    load: () => import('./shell.ts'),
  },
  uidmap: {
    summary: 'root in a container is nobody on the host: plan it, turn it on, mend what it denies, and back',
    load: () => import('./uidmap.ts'),
  },
  doctor: {
    summary: 'can Paddock work here? each thing it needs, tried',
    load: () => import('./doctor.ts'),
  },
  demo: {
    summary: 'all of it on real containers: a herd, an intruder, what was seen and what was denied',
    load: () => import('./demo.ts'),
  },
}
