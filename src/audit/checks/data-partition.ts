import { type Check, host, quoted, verdict, withPart } from '../check.ts'

export const check: Check = {
  id: 'data-partition',
  cis: '1.1.1',
  area: 'daemon',
  severity: 'low',
  title: 'Containers have a filesystem of their own',
  flaw: 'Containers share the filesystem of the system',
  why: "A container that fills its disk fills the host's, unless the data root lies on a filesystem of its own.",
  judge: (facts) =>
    withPart(facts.storage, host, ({ dataRoot, ownFilesystem, mountPoint }) => [
      verdict(
        host,
        ownFilesystem
          ? null
          : {
              evidence: `${dataRoot} shares the filesystem of ${mountPoint === dataRoot ? 'the system' : mountPoint}`,
              remedy: `give ${quoted(dataRoot)} a filesystem of its own`,
            },
      ),
    ]),
}
