import { type Check, daemonSubject, setting, verdict, withPart } from '../check.ts'

export const check: Check = {
  id: 'userns-remap',
  cis: '2.9',
  area: 'daemon',
  severity: 'medium',
  title: 'Root in a container is nobody on the host',
  flaw: 'Root in a container is root on the host',
  why: 'Without user namespaces, root that breaks out of a container is root here at once.',
  judge: (facts) =>
    withPart(facts.daemon, daemonSubject(facts), (daemon) => {
      const subject = daemonSubject(facts)
      const configured = setting(daemon, 'userns-remap').value
      if (daemon.uid !== 0) return [{ status: 'pass', subject, evidence: `rootless, as uid ${daemon.uid}` }]
      const running = facts.containers.ok
        ? facts.containers.value.flatMap(({ running, name }) =>
            running === null ? [] : [{ name, ...running }],
          )
        : []
      const bare = running.filter(({ remapped }) => !remapped).map(({ name }) => name)
      const engineSays = facts.engine.ok ? facts.engine.value.usernsRemap : null
      const remedy = 'paddock uidmap plan'
      if (configured === 'root')
        return [
          verdict(subject, {
            evidence: 'userns-remap is set to root, which switches it off with nothing but a warning',
            remedy,
          }),
        ]
      // What the engine does counts, not what its configuration says: a restart may be due, or daemon.json not read.
      if (engineSays === false && configured !== undefined && configured !== '')
        return [
          verdict(subject, {
            evidence: `configured (${JSON.stringify(configured)}) but not in force: the engine has not been restarted since, or does not read that file`,
            severity: 'high',
            remedy: 'restart the engine',
          }),
        ]
      if (engineSays === true || (engineSays === null && typeof configured === 'string' && configured !== ''))
        return [verdict(subject, null)]
      if (daemon.engine === 'podman' && running.length > 0 && bare.length === 0)
        return [verdict(subject, null)]
      return [
        verdict(subject, {
          evidence:
            bare.length === 0
              ? 'not in force'
              : `not in force: ${bare.length} running containers use the ids of the host`,
          remedy,
        }),
      ]
    }),
}
