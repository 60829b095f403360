import { Document, isMap, isScalar } from 'yaml'
import { printable } from '../../lib/printable.ts'
import type { Prepared } from '../../services/prepare.ts'

/** The compose file as YAML that compose can read, what Paddock added marked, and what is open wider on top. */
export function configText({ service, instance, model, defaults, openings }: Prepared): string {
  const document = new Document(model, { aliasDuplicateObjects: false })
  const services = document.get('services')
  for (const { container, setting } of defaults) {
    const own = isMap(services) ? services.get(container) : undefined
    const pair = isMap(own) ? own.items.find(({ key }) => isScalar(key) && key.value === setting) : undefined
    if (pair !== undefined && isScalar(pair.key)) pair.key.commentBefore = " Paddock's default"
  }
  const opened = openings.map(({ container, text }) => `# opens wider: ${printable(`${container} ${text}`)}`)
  return [
    `# ${service.name} (${instance.kind}), from ${printable(service.composePath)}`,
    ...opened,
    String(document),
  ].join('\n')
}
