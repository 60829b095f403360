import { writeAccess } from '../access.ts'
import { type Check, host, quoted, type Verdict, withPart } from '../check.ts'
import { groupName } from '../escape/host-edges.ts'
import type { EngineSocket, People } from '../facts.ts'

// Membership is compared by id, never by text: "docker" in "dockerhub" or in a user's name is nothing.
function engineMembers(people: People, sockets: readonly EngineSocket[]): Verdict[] {
  const gids = new Set(
    sockets
      .filter(({ engineUid }) => engineUid === 0)
      .flatMap(({ gid, acl }) => [
        gid,
        ...(acl ?? []).filter(({ tag }) => tag === 'group').map(({ id }) => id),
      ]),
  )
  // Without a running engine the group of that name is the one it will use.
  const named = people.groups.find(({ name }) => name === 'docker')
  if (named !== undefined && sockets.length === 0) gids.add(named.gid)
  return people.accounts.flatMap((account) => {
    const groups = account.groups.filter((gid) => gid !== 0 && gids.has(gid) && opens(sockets, gid))
    if (account.uid === 0 || groups.length === 0) return []
    const names = groups.map((gid) => groupName(people, gid))
    const how = groups.includes(account.gid)
      ? 'primary group'
      : names.some(
            (name) =>
              people.groups.find((each) => each.name === name)?.members.includes(account.name) === true,
          )
        ? 'listed in the group'
        : 'through the name service'
    return [
      {
        status: 'fail',
        subject: { kind: 'user', name: account.name },
        evidence: `${account.name} (uid ${account.uid}) is in group ${names.join(', ')}: ${how}`,
        remedy: groups.includes(account.gid)
          ? `usermod -g ${quoted(account.name)} ${quoted(account.name)}`
          : `gpasswd -d ${quoted(account.name)} ${quoted(names[0] ?? 'docker')}`,
        details: names,
      },
    ]
  })
}

function opens(sockets: readonly EngineSocket[], gid: number): boolean {
  const own = sockets.filter((socket) => socket.engineUid === 0)
  return (
    sockets.length === 0 ||
    own.some((socket) => writeAccess(socket, { uid: -1, gids: [gid] })?.by === 'group')
  )
}

export const check: Check = {
  id: 'docker-group',
  cis: '1.1.2',
  area: 'people',
  severity: 'high',
  title: 'Nobody but root is in a group that commands the engine',
  flaw: 'People are in a group that commands the engine',
  why: 'A member of such a group is root: one docker run with / mounted is enough, no password asked, nothing logged.',
  fixable: true,
  judge: (facts) =>
    withPart(facts.people, host, (people) =>
      withPart(facts.sockets, host, (sockets) => {
        const members = engineMembers(people, sockets)
        if (members.length === 0)
          return [
            {
              status: people.lacks === '' ? 'pass' : 'unknown',
              subject: host,
              evidence: people.lacks === '' ? '' : `not seen: ${people.lacks}`,
            },
          ]
        return members
      }),
    ),
}
