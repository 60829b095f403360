import { type Check, daemonSubject, verdict, withPart } from '../check.ts'

export const check: Check = {
  id: 'authorization',
  cis: '2.12',
  area: 'daemon',
  severity: 'info',
  title: 'What clients may ask of the engine is restricted',
  flaw: 'Whoever may ask the engine anything may ask it everything',
  why: 'Without an authorization plug-in whoever may ask anything may ask everything.',
  judge: (facts) =>
    withPart(facts.engine, daemonSubject(facts), ({ authorizationPlugins, kind }) =>
      kind === 'podman'
        ? []
        : [
            verdict(
              daemonSubject(facts),
              authorizationPlugins.length > 0
                ? null
                : {
                    evidence: 'no authorization plug-in',
                    remedy: 'let nobody but root reach the socket; else install an authorization plug-in',
                  },
            ),
          ],
    ),
}
