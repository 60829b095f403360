import { allocate, declare, systemError } from './library.ts'

const mount = declare('mount', 'int', ['address', 'address', 'address', 'ulong', 'address'])
const umount2 = declare('umount2', 'int', ['address', 'int'])

const MNT_DETACH = 2

/**
 * Mounts an overlay (mount(2)).
 * @param options "lowerdir=…,upperdir=…,workdir=…"
 * @throws the system's error, with its code
 */
export function mountOverlay(target: string, options: string): void {
  const memory = allocate(16_384)
  const put = (text: string, at: number) => {
    const end = at + memory.bytes.write(`${text}\0`, at)
    return { address: memory.address + at, end }
  }
  const type = put('overlay', 0)
  const to = put(target, type.end)
  const data = put(options, to.end)
  const answer = mount(type.address, to.address, type.address, 0, data.address)
  if (answer < 0) throw systemError(answer, 'mount', target)
}

/** Takes a mount away, also while it is in use. @throws the system's error */
export function unmount(target: string): void {
  const memory = allocate(4096)
  memory.bytes.write(`${target}\0`)
  const answer = umount2(memory.address, MNT_DETACH)
  if (answer < 0) throw systemError(answer, 'umount2', target)
}
