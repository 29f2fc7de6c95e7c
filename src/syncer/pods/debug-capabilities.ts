import { profiles } from '../../tenancy/isolation.ts'
import type { SyncContext } from '../resource.ts'
import type { V1Container } from './json-types.ts'

/**
 * A debug container without the capabilities that the tenant's level forbids: `kubectl debug` asks for SYS_PTRACE unless it is told not to
 * (k8s.io/kubectl/pkg/cmd/debug, profile `general`), and would wait for ever for a container that super refuses. All else that the level forbids stays, for
 * super to refuse.
 */
export const withinLevel = (
  container: V1Container,
  { isolation }: Pick<SyncContext, 'isolation'>,
): { readonly container: V1Container; readonly left: readonly string[] } => {
  const add = container.securityContext?.capabilities?.add ?? []
  const allowed = profiles[isolation.podSecurity].pods.capabilities
  const left = allowed.includes('*') ? [] : add.filter((capability) => !allowed.includes(capability))
  if (left.length === 0 || !container.securityContext) return { container, left: [] }
  const { add: _add, ...capabilities } = container.securityContext.capabilities ?? {}
  const kept = add.filter((capability) => !left.includes(capability))
  const securityContext = {
    ...container.securityContext,
    capabilities: { ...capabilities, ...(kept.length > 0 && { add: kept }) },
  }
  return { container: { ...container, securityContext }, left }
}
