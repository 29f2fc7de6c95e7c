import { superConfigName } from '../../tenancy/names.ts'
import type { SyncContext } from '../resource.ts'
import { superFieldRef } from './downward.ts'
import type { V1EnvFromSource, V1EnvVar } from './json-types.ts'
import type { AnyContainer, Pod } from './pod.ts'

/**
 * The variables by which clients in pods find the API server. Super's kubelet adds its own cluster's for each that a container does not declare, so all
 * of them are declared, first in the list: what the user declares later under the same name wins, as everywhere.
 */
export const apiServerEnv = (address: string): readonly V1EnvVar[] => {
  const url = `tcp://${address.includes(':') ? `[${address}]` : address}:443`
  return [
    { name: 'KUBERNETES_SERVICE_HOST', value: address },
    { name: 'KUBERNETES_SERVICE_PORT', value: '443' },
    { name: 'KUBERNETES_SERVICE_PORT_HTTPS', value: '443' },
    { name: 'KUBERNETES_PORT', value: url },
    { name: 'KUBERNETES_PORT_443_TCP', value: url },
    { name: 'KUBERNETES_PORT_443_TCP_PROTO', value: 'tcp' },
    { name: 'KUBERNETES_PORT_443_TCP_PORT', value: '443' },
    { name: 'KUBERNETES_PORT_443_TCP_ADDR', value: address },
  ]
}

/** A reference to a ConfigMap or Secret by its name in super; one without a name stays as it is. */
export const superRef = <T extends { readonly name?: string | undefined }>(ref: T): T =>
  ref.name === undefined ? ref : { ...ref, name: superConfigName(ref.name) }

const superEnvVar = (variable: V1EnvVar, pod: Pod): V1EnvVar => {
  const { valueFrom } = variable
  if (!valueFrom) return variable
  const { fieldRef, configMapKeyRef, secretKeyRef } = valueFrom
  return {
    ...variable,
    valueFrom: {
      ...valueFrom,
      ...(fieldRef && { fieldRef: superFieldRef(fieldRef, pod) }),
      ...(configMapKeyRef && { configMapKeyRef: superRef(configMapKeyRef) }),
      ...(secretKeyRef && { secretKeyRef: superRef(secretKeyRef) }),
    },
  }
}

const superEnvFrom = (source: V1EnvFromSource): V1EnvFromSource => ({
  ...source,
  ...(source.configMapRef && { configMapRef: superRef(source.configMapRef) }),
  ...(source.secretRef && { secretRef: superRef(source.secretRef) }),
})

/** A container as super runs it: the same, with the tenant's API server and the tenant's metadata in its environment. */
export const superContainer = <T extends AnyContainer>(container: T, pod: Pod, ctx: SyncContext): T => ({
  ...container,
  env: [...apiServerEnv(ctx.apiServerAddress), ...(container.env ?? []).map((variable) => superEnvVar(variable, pod))],
  ...(container.envFrom && { envFrom: container.envFrom.map(superEnvFrom) }),
})
