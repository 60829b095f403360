import { type Check, host, withPart } from '../check.ts'
import { groupName } from '../escape/host-edges.ts'

export const check: Check = {
  id: 'lingering-group',
  cis: null,
  area: 'people',
  severity: 'high',
  title: 'No session keeps a group that its account has lost',
  flaw: 'A session still holds a group that its account has lost',
  why: 'Taking someone out of group docker does not touch what they have running: those processes command the engine until they end.',
  judge: (facts) =>
    withPart(facts.people, host, (people) =>
      withPart(facts.sockets, host, (sockets) => {
        const gids = new Set(sockets.filter(({ engineUid }) => engineUid === 0).map(({ gid }) => gid))
        const held = people.lingering.filter(({ gid }) => gids.has(gid) && gid !== 0)
        if (held.length === 0) return [{ status: 'pass', subject: host, evidence: '' }]
        return held.map(({ uid, gid, pids }) => ({
          status: 'fail' as const,
          subject: {
            kind: 'user' as const,
            name: people.accounts.find((account) => account.uid === uid)?.name ?? String(uid),
          },
          evidence: `process ${pids.join(', ')} still holds group ${groupName(people, gid)}`,
          remedy: `kill ${pids.join(' ')}`,
          details: [groupName(people, gid)],
        }))
      }),
    ),
}
