import { execFileSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

interface Link {
  readonly ifname: string
  readonly addr_info: readonly { readonly local: string }[]
}

/**
 * A private bridge for an engine whose containers publish ports: `iptables` and routing stay off, so that Docker's
 * user-land proxy carries what comes in on 127.0.0.1. The engine's networks are all of one 10.x range, which
 * tells at the end what is to be removed.
 * @returns the part of daemon.json about it
 */
export function makeBridge(folder: string, name: string): object {
  const second = freeRange()
  const range = `10.${String(second)}`
  writeFileSync(join(folder, 'range'), range)
  execFileSync('ip', ['link', 'add', name, 'type', 'bridge'])
  execFileSync('ip', ['address', 'add', `${range}.0.1/24`, 'dev', name])
  execFileSync('ip', ['link', 'set', name, 'up'])
  return { bridge: name, 'default-address-pools': [{ base: `${range}.128.0/17`, size: 24 }] }
}

function freeRange(): number {
  const used = new Set(
    bridges().flatMap((link) => link.addr_info.map((address) => address.local.split('.')[1])),
  )
  const tried = Array.from({ length: 50 }, () => randomInt(100, 250))
  const free = tried.find((second) => !used.has(String(second)))
  if (free === undefined) throw new Error('no free 10.x range for the bridge of a test engine')
  return free
}

/** Removes the bridges that the engines of a run made. */
export function removeBridges(run: string): void {
  for (const file of globSync('*/range', { cwd: run })) {
    const range = readFileSync(join(run, file), 'utf8')
    const ours = bridges().filter((link) => link.addr_info.some(({ local }) => local.startsWith(`${range}.`)))
    for (const { ifname } of ours) execFileSync('ip', ['link', 'delete', ifname])
  }
}

function bridges(): readonly Link[] {
  const output = execFileSync('ip', ['-json', 'address', 'show', 'type', 'bridge'], { encoding: 'utf8' })
  // Without any bridge it prints nothing at all, or empty objects.
  const links = (output.trim() === '' ? [] : JSON.parse(output)) as Partial<Link>[]
  return links.flatMap(({ ifname, addr_info }) => (ifname && addr_info ? [{ ifname, addr_info }] : []))
}
