import { alertmanager } from './alertmanager.ts'
import { mail } from './mail.ts'
import type { NotifierKind } from './notifier.ts'
import { ntfy } from './ntfy.ts'
import { slack } from './slack.ts'
import { syslog } from './syslog.ts'
import { webhook } from './webhook.ts'

/** `type` of a channel in `watch.yaml`. A local command is not among them: what watch could start, a captured watch would. */
export const notifierKinds: Readonly<Record<string, NotifierKind>> = {
  webhook,
  slack,
  ntfy,
  mail,
  alertmanager,
  syslog,
}
