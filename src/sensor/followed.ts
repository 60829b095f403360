import type { Change, Layer } from '../cow/change.ts'
import { openEntry } from '../cow/look-up-path.ts'
import { unreadableReason } from '../cow/unreadable.ts'
import { engineMadePaths } from '../cow/engine-made.ts'
import type { Container, EngineReader } from '../engine/reader.ts'
import { UserError } from '../lib/errors.ts'
import { readSync } from 'node:fs'
import { close } from '../lib/libc/files.ts'
import { bytePathFromText } from '../lib/byte-path.ts'
import { compilePolicy, type Judge } from '../policy/judge.ts'
import type { ExecMode } from '../policy/policy.ts'
import type { Problem } from '../policy/problem.ts'
import { policyOf, type PolicyStore } from '../policy/store.ts'
import type { EngineKind } from '../engine/reader.ts'
import type { ContainerRef } from '../protocol/findings.ts'
import type { MarkedContainer } from './verdict/messages.ts'

/** A container that the sensor looks after, with all that judging needs. */
export interface Followed {
  readonly engine: EngineReader
  container: Container
  ref: ContainerRef
  judge: Judge
  problems: readonly Problem[]
  readonly imageLabels: Readonly<Record<string, string>> | null
  /** Null while it is not running, or could not be marked. */
  marked: MarkedContainer | null
  layer: Layer | null
  /** Names of the image's users by id; read when first needed. */
  users: ReadonlyMap<number, string> | null
  readonly sweep: SweepState
}

/** As the last sweep left it. */
export interface SweepState {
  at: string | null
  expected: number
  unexpected: number
  /** Unexpected ones, the first 10,000. */
  changes: readonly Change[]
}

export async function followContainer(
  engine: EngineReader,
  kind: EngineKind,
  container: Container,
  policies: PolicyStore,
  exec: ExecMode,
): Promise<Followed> {
  const imageLabels = await labelsOf(container, engine)
  const { policy, problems } = policyOf(container, imageLabels, policies.declarations(), exec)
  return {
    engine,
    container,
    ref: refOf(container, kind),
    judge: compilePolicy(policy),
    problems,
    imageLabels,
    marked: null,
    layer: null,
    users: null,
    sweep: { at: null, expected: 0, unexpected: 0, changes: [] },
  }
}

/** After a rename, or when policy was read anew. */
export function judgeAnew(
  followed: Followed,
  container: Container,
  policies: PolicyStore,
  exec: ExecMode,
): void {
  const { policy, problems } = policyOf(container, followed.imageLabels, policies.declarations(), exec)
  followed.container = container
  followed.ref = refOf(container, followed.ref.engine)
  followed.judge = compilePolicy(policy)
  followed.problems = problems
}

function refOf({ id, name, image }: Container, engine: EngineKind): ContainerRef {
  return { id, name, image, engine }
}

/** Where its files lie, by what the verdict worker found in its init's mount table. */
export function layerOf(container: Container, marked: MarkedContainer, proc: string): Layer {
  return {
    upper: marked.upper,
    lowers: marked.lowers,
    dataLowers: [],
    merged: `${proc}/${marked.init.pid}/root`,
    engineMade: engineMadePaths(container),
    xattrPrefix: 'trusted.overlay.',
  }
}

/** Only a container that has labels of ours needs to know which of them are its image's. */
async function labelsOf(container: Container, engine: EngineReader) {
  if (!Object.keys(container.labels).some((name) => name.startsWith('paddock.'))) return {}
  try {
    return (await engine.image(container.imageId)).labels
  } catch {
    return null
  }
}

const PASSWD_BYTES = 1 << 20

/** The name of a user id by the image's own passwd, which the container cannot change. */
export function userName(followed: Followed, uid: number): string | null {
  followed.users ??= followed.layer === null ? null : readUsers(followed.layer)
  return followed.users?.get(uid) ?? null
}

/** None where the image has no such file, or it cannot be read: users go by their numbers then. */
function readUsers(layer: Layer): ReadonlyMap<number, string> {
  try {
    return parseUsers(layer)
  } catch (error) {
    if (!(error instanceof UserError) && unreadableReason(error) === null) throw error
    return new Map()
  }
}

function parseUsers(layer: Layer): ReadonlyMap<number, string> {
  const users = new Map<number, string>()
  using entry = openEntry(layer, 'baseline', bytePathFromText('/etc/passwd'))
  if (entry?.entry.type !== 'file') return users
  const fd = entry.content()
  const bytes = Buffer.alloc(Math.min(entry.entry.sizeBytes, PASSWD_BYTES))
  const length = readSync(fd, bytes, 0, bytes.length, 0)
  close(fd)
  for (const line of bytes.toString('utf8', 0, length).split('\n')) {
    const [name, , uid] = line.split(':')
    if (name !== undefined && uid !== undefined && /^\d+$/.test(uid) && !users.has(Number(uid)))
      users.set(Number(uid), name)
  }
  return users
}
