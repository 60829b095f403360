import type { Who } from './access.ts'
import type { ContainerFact, Facts } from './facts.ts'

/** Who a container's processes are to the host. */
export interface ContainerView {
  /** Whether its root is not the host's root. */
  readonly remapped: boolean
  /** Host uid of its root. */
  readonly rootUid: number
  /** Its main process on the host; null where it can only be told once it runs (a user name of the image). */
  readonly who: Who | null
  /** Whether its processes are its root: they are, might by a setuid program, or never can. */
  readonly becomesRoot: 'is' | 'might' | 'never'
  /** Ends a sentence where root must be had first. */
  readonly asRootNote: string
}

export function containerView(container: ContainerFact, facts: Facts): ContainerView {
  const { running, hostConfig } = container
  const engineRemaps = facts.engine.ok && (facts.engine.value.usernsRemap || facts.engine.value.rootless)
  const privateUsers = /^(auto|keep-id|private|nomap|ns:)/.test(hostConfig.usernsMode)
  const remapped = running?.remapped ?? ((engineRemaps && hostConfig.usernsMode !== 'host') || privateUsers)
  const [user = '', group] = container.user.split(':')
  const configured = user === '' || user === 'root' ? 0 : /^\d+$/.test(user) ? Number(user) : null
  const isRoot = running === null ? configured === 0 : running.uid === running.rootUid
  const noNew = running?.noNewPrivileges ?? noNewPrivileges(container, facts)
  const becomesRoot = isRoot ? 'is' : noNew ? 'never' : 'might'
  const numericGroups = [group ?? '', ...hostConfig.groupAdd].filter((each) => /^\d+$/.test(each)).map(Number)
  return {
    remapped,
    rootUid: running?.rootUid ?? (remapped ? -1 : 0),
    who:
      running !== null
        ? { uid: running.uid, gids: [running.gid, ...running.groups] }
        : configured === null || remapped
          ? null
          : {
              uid: configured,
              gids: [...(group === undefined && configured === 0 ? [0] : []), ...numericGroups],
            },
    becomesRoot,
    asRootNote: becomesRoot === 'might' ? ' (once a setuid program made it root there)' : '',
  }
}

/** Whether a container is started so that no program in it gains rights, by its own word or the engine's default. */
export function noNewPrivileges(container: ContainerFact, facts: Facts): boolean {
  const word = container.hostConfig.securityOptions.find((each) => /^no-new-privileges/.test(each))
  if (word !== undefined) return !/[=:]false$/.test(word)
  return facts.daemon.ok && facts.daemon.value.settings.get('no-new-privileges')?.value === true
}
