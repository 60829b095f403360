import { execFile } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { UserError, hasCode } from '../../lib/errors.ts'
import { clockSynchronised } from '../../lib/libc/abilities.ts'
import { parseMountinfo } from '../gather/mount-table.ts'
import { type Ability, missing, ok, type Trial, unknown } from './ability.ts'

const run = promisify(execFile)
const GIB = 1 << 30

/** Bits of the capabilities that the sensor uses, include/uapi/linux/capability.h. */
const NEEDED = { DAC_OVERRIDE: 1, DAC_READ_SEARCH: 2, NET_ADMIN: 12, SYS_PTRACE: 19, SYS_ADMIN: 21 } as const

/** What Paddock needs besides the kernel's abilities. */
export const hostAbilities: readonly Ability[] = [
  {
    id: 'permissions',
    title: 'Rights: root with its capabilities',
    lost: 'everything that looks into containers',
    remedy: 'run it as root',
    try() {
      const effective = BigInt(
        `0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`,
      )
      const lacking = Object.entries(NEEDED).flatMap(([name, bit]) =>
        ((effective >> BigInt(bit)) & 1n) === 1n ? [] : [`CAP_${name}`],
      )
      return lacking.length === 0
        ? ok(`uid ${process.getuid?.() ?? -1}`)
        : missing(`lacks ${lacking.join(', ')}`)
    },
  },
  {
    id: 'engine',
    title: 'An engine that answers',
    lost: 'everything: containers are known from it',
    remedy: 'start Docker or Podman, or name its socket with --engine unix:///…',
    async try({ engine, engineProblem }) {
      if (engine === null) return missing(engineProblem)
      try {
        const { kind, version, storageDriver } = await engine.info()
        return ok(`${kind} ${version}, storage driver ${storageDriver}`)
      } catch (error) {
        if (error instanceof UserError) return missing(error.message)
        throw error
      }
    },
  },
  {
    id: 'containers-located',
    title: 'Layer directories of running containers',
    lost: 'scan and watch of the containers that are not found',
    remedy: 'use a storage driver of overlayfs (overlay2, or the containerd store)',
    async try({ engine }) {
      if (engine === null) return unknown('no engine')
      const running = (await engine.containers({ all: false })).filter(({ state }) => state === 'running')
      if (running.length === 0) return unknown('no container is running')
      const found = await Promise.all(
        running.slice(0, 200).map(async ({ id, name }) => {
          const { pid } = await engine.container(id)
          return { name, overlay: overlayAtRoot(pid) }
        }),
      )
      const lost = found.filter(({ overlay }) => !overlay).map(({ name }) => name)
      return lost.length === 0 ? ok(`${found.length} found`) : missing(`not of overlayfs: ${lost.join(', ')}`)
    },
  },
  {
    id: 'compose',
    title: 'docker compose',
    lost: 'up, build, test, promote and the other commands of services; scan, watch and audit work without it',
    remedy: 'apt-get install docker-compose-plugin (Docker), or docker-compose of Debian 13',
    async try() {
      for (const [program, args] of [
        ['docker', ['compose', 'version', '--short']],
        ['podman', ['compose', 'version']],
        ['docker-compose', ['version', '--short']],
      ] as const)
        try {
          return ok(
            `${program}: ${(await run(program, [...args], { timeout: 15_000 })).stdout.trim().split('\n')[0] ?? ''}`,
          )
        } catch (error) {
          if (!(error instanceof Error) || !('code' in error)) throw error
        }
      return missing('no compose answers')
    },
  },
  {
    id: 'disk',
    title: 'Room for evidence, findings and alerts',
    lost: 'evidence, and findings that wait for watch',
    remedy: 'free at least 1 GiB, or set PADDOCK_STATE_DIR to another disk',
    try({ stateDir }) {
      const folder = existing(stateDir)
      try {
        accessSync(folder, constants.W_OK)
      } catch (error) {
        if (hasCode(error, 'EACCES', 'EROFS', 'EPERM')) return missing(`${folder} cannot be written`)
        throw error
      }
      const { bavail, bsize, files, ffree } = statfsSync(folder)
      const free = bavail * bsize
      if (files > 0 && ffree < 1000) return missing(`${folder} has ${ffree} inodes left`)
      return free < GIB
        ? missing(`${folder} has ${Math.floor(free / (1 << 20))} MiB left`)
        : ok(`${Math.floor(free / GIB)} GiB free below ${folder}`)
    },
  },
  {
    id: 'clock',
    title: 'A clock that is right',
    lost: 'times of alerts that can be compared with other logs',
    remedy: 'start systemd-timesyncd, chrony or ntpd',
    try(): Trial {
      if (Date.now() < Date.UTC(2026, 0, 1)) return missing(`it says ${new Date().toISOString()}`)
      return clockSynchronised() ? ok('synchronised') : missing('the kernel has it as not synchronised')
    },
  },
  {
    id: 'node',
    title: 'Node.js 24 or later',
    lost: 'everything',
    remedy: 'install Node.js 24',
    try: () =>
      Number(process.versions.node.split('.')[0]) >= 24 ? ok(process.version) : missing(process.version),
  },
]

function overlayAtRoot(pid: number): boolean {
  try {
    return (
      parseMountinfo(readFileSync(`/proc/${pid}/mountinfo`, 'utf8')).findLast(({ target }) => target === '/')
        ?.filesystem === 'overlay'
    )
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES', 'ESRCH')) return false
    throw error
  }
}

function existing(path: string): string {
  return existsSync(path) || path === '/' ? path : existing(dirname(path))
}
