import type { Instance } from './instance.ts'
import type { Model, ModelNetwork, ModelService } from './model.ts'

/**
 * Puts a service's containers into the networks of what it needs, where they find it by its name. Nobody else gets in:
 * what a service does not need it cannot reach.
 * @param needs the instances that it needs, of the same kind
 */
export function joinNeeds(model: Model, needs: readonly Instance[]): Model {
  if (needs.length === 0) return model
  const external = Object.fromEntries(
    needs.map(({ service, project }): [string, ModelNetwork] => [
      networkKey(service),
      { name: `${project}_default`, external: true },
    ]),
  )
  const join = (service: ModelService): ModelService => {
    if (service.network_mode !== undefined) return service
    const joined = Object.fromEntries(needs.map((need) => [networkKey(need.service), null]))
    return { ...service, networks: { ...(service.networks ?? { default: null }), ...joined } }
  }
  return {
    ...model,
    services: Object.fromEntries(Object.entries(model.services).map(([name, one]) => [name, join(one)])),
    networks: { ...model.networks, ...external },
  }
}

function networkKey(service: string): string {
  return `needs-${service}`
}
