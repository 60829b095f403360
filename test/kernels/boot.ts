import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Kernel } from './kernel-package.ts'

/** What a guest says of one thing that it tried: a line "@paddock {…}" on its console. */
export interface Said {
  readonly kind: 'ability' | 'test'
  readonly name: string
  readonly ok: boolean
  readonly detail: string
}

export interface Guest {
  /** As the guest's kernel calls itself. */
  readonly release: string
  readonly said: readonly Said[]
  readonly console: string
}

/**
 * Boots a kernel in QEMU's software emulation with a disk that forgets what is written to it, and listens on its
 * serial console until it powers off.
 * @throws when it did not come to its end, with the last lines of the console
 */
export async function boot({ image }: Kernel, initramfs: string, disk: string): Promise<Guest> {
  // One thread for both processors: with one each, four of nine guests saw Node's compiler crash (QEMU 7.2), with one none did.
  const machine = ['-machine', 'q35', '-cpu', 'max', '-accel', 'tcg,thread=single', '-smp', '2', '-m', '1024']
  const quiet = ['-display', 'none', '-no-reboot', '-nic', 'none', '-serial', 'stdio', '-monitor', 'none']
  const drive = ['-drive', `file=${disk},format=raw,if=virtio,snapshot=on`]
  const kernel = ['-kernel', image, '-initrd', initramfs, '-append', 'console=ttyS0 panic=-1 quiet']
  const qemu = spawn('qemu-system-x86_64', [...machine, ...quiet, ...drive, ...kernel], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  // A kernel that hangs must not hang the run.
  const deadline = setTimeout(() => qemu.kill('SIGKILL'), 900_000)
  const lines: string[] = []
  for await (const line of createInterface(qemu.stdout)) lines.push(line.replace(/\r$/, ''))
  clearTimeout(deadline)
  const console = lines.slice(-60).join('\n')
  const words = lines.flatMap((line) => /@paddock (.+)$/.exec(line)?.[1] ?? [])
  if (words.at(-1) !== 'ended') throw new Error(`the guest did not come to its end:\n${console}`)
  const said = words.slice(0, -1).map((word) => JSON.parse(word) as Said | { kind: 'release'; name: string })
  const release = said.find(({ kind }) => kind === 'release')?.name ?? ''
  return { release, said: said.filter((one) => one.kind !== 'release'), console }
}
