import { stringify } from 'yaml'
import { printable } from '../lib/printable.ts'
import { UserError } from '../lib/errors.ts'
import type { EngineInfo } from '../engine/reader.ts'
import { containersOf, ofInstance } from './containers.ts'
import { copyData, idOffset, letThrough, makeDataFolders, makeScratch } from './data.ts'
import type { Service } from './declaration.ts'
import { type Host, instanceOn } from './host.ts'
import type { Instance } from './instance.ts'
import type { Model } from './model.ts'
import { policyText, writePolicy } from './policy-file.ts'
import { prepare, type Prepared, type PrepareOptions } from './prepare.ts'
import { writeWhole } from './record.ts'
import { refusal } from './refusal.ts'

export interface StartOptions extends PrepareOptions {
  /** New containers, though nothing changed: their layer directories begin empty. */
  readonly recreate?: boolean
}

/** What is known to be complete for an instance that starts. */
export interface Started {
  readonly prepared: Prepared
  /** The compose file that it runs. */
  readonly modelText: string
  readonly policyText: string
}

/** Starts an instance and waits until it is healthy. What was started stays, healthy or not, so that it can be looked at. */
export async function start(
  host: Host,
  service: Service,
  instance: Instance,
  { recreate = false, ...options }: StartOptions = {},
): Promise<Started> {
  const [prepared, info] = await Promise.all([
    prepareWithImages(host, service, instance, options),
    host.engine.info(),
  ])
  const started = {
    prepared,
    modelText: modelText(prepared.model, service),
    policyText: policyText(service, instance),
  }
  await makeFolders(host, prepared, info)
  await bringUp(host, instance, started, { recreate, healthyWithinMs: service.settings.healthyWithinMs })
  return started
}

/** Images that the service does not build are fetched first: what user they name decides how they run. */
async function prepareWithImages(
  host: Host,
  service: Service,
  instance: Instance,
  options: PrepareOptions,
): Promise<Prepared> {
  const prepared = await prepare(host, service, instance, options)
  const { missing } = prepared
  const unbuilt = missing.find(({ build }) => build !== undefined)
  if (unbuilt !== undefined) throw notBuilt(service, instance, unbuilt.image ?? '')
  for (const { image = '' } of missing) {
    host.tell(service.name, `fetching ${image}`)
    const ran = await host.docker.run(['pull', '--quiet', image])
    if (ran.code !== 0)
      throw await refusal(host.docker, ran, `fetch the image '${image}' of '${service.name}'`)
  }
  return missing.length === 0 ? prepared : prepare(host, service, instance, options)
}

function notBuilt({ name }: Service, { kind }: Instance, image: string): UserError {
  const steps =
    kind === 'prod'
      ? `paddock build ${name} && paddock test ${name} && paddock promote ${name}`
      : `paddock build ${name}`
  return new UserError(`cannot start '${name}': there is no image '${image}'`, { hint: `make it: ${steps}` })
}

/** JSON would do; people read this. */
export function modelText(model: Model, service: Service): string {
  return `# Made by Paddock from ${JSON.stringify(service.composePath)}\n${stringify(model, { aliasDuplicateObjects: false })}`
}

async function makeFolders(
  host: Host,
  { service, instance, scratch }: Prepared,
  info: EngineInfo,
): Promise<void> {
  const { data, test } = service.settings
  if (instance.kind === 'test' && test.data === 'copy') {
    await copyData(instanceOn(host, service.name, 'prod').dataDir, instance.dataDir)
  }
  const offset = idOffset(info)
  makeDataFolders(instance.dataDir, data, offset)
  if (offset.uid > 0) letThrough(host.stateDir, instance.dataDir)
  await makeScratch(scratch)
}

/** Has compose bring up what a model says, and waits until it is healthy. The policy is there before the first container. */
export async function bringUp(
  host: Host,
  instance: Instance,
  texts: Pick<Started, 'modelText' | 'policyText'>,
  { recreate, healthyWithinMs }: { recreate: boolean; healthyWithinMs: number },
): Promise<void> {
  writeWhole(instance.modelPath, texts.modelText)
  writePolicy(host, instance, texts.policyText)
  host.tell(instance.service, 'starting')
  const seconds = String(Math.ceil(healthyWithinMs / 1000))
  const flags = ['up', '--detach', '--no-build', '--remove-orphans', '--wait', '--wait-timeout', seconds]
  const ran = await compose(host, instance, [...flags, ...(recreate ? ['--force-recreate'] : [])])
  // Compose may also end with 0 when the time is over (2.26: its wait returns no error where it ends between two looks).
  const ailing = ran.code === 0 ? await firstNotHealthy(host, instance) : null
  if (ran.code === 0 && ailing === null) {
    host.tell(instance.service, 'healthy')
    return
  }
  for (const line of await lastLines(host, instance, 10)) host.tell(instance.service, `| ${printable(line)}`)
  if (ailing === null) throw await refusal(host.docker, ran, `start '${instance.service}'`)
  throw new UserError(`cannot start '${instance.service}': ${ailing} is not healthy after ${seconds} s`, {
    hint: 'mend what its health check asks, or give it more time (x-paddock: healthyWithin)',
  })
}

/** The name of one that does not run, or whose health check does not pass; null where there is none. */
async function firstNotHealthy(host: Host, instance: Instance): Promise<string | null> {
  const own = await containersOf(host, ofInstance(instance))
  const seen = await Promise.all(own.map(({ id }) => host.engine.container(id)))
  const ailing = seen.find(
    ({ state, health }) => state !== 'running' || !['none', 'healthy'].includes(health),
  )
  return ailing?.name ?? null
}

/** `docker compose` for an instance that was started once. */
export function compose(host: Host, instance: Instance, args: readonly string[], stdio?: 'inherit') {
  const files = ['compose', '-p', instance.project, '-f', instance.modelPath, '--progress', 'plain']
  return host.docker.run([...files, ...args], stdio === undefined ? {} : { stdio })
}

/** What the containers of an instance said last; nothing where they cannot be asked. */
export async function lastLines(host: Host, instance: Instance, count: number): Promise<readonly string[]> {
  const { stdout } = await compose(host, instance, ['logs', '--no-color', '--tail', String(count)])
  return (
    stdout
      .split('\n')
      // Of compose itself, whatever it is told of colours.
      .map((line) => line.replace(/^\u001b\[2K/, ''))
      .filter((line) => line !== '')
      .slice(-count)
  )
}
