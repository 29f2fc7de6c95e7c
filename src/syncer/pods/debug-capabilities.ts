import type { SyncContext } from '../resource.ts'
import type { V1Container } from './json-types.ts'

/** Capabilities that a container may add, by level (Pod Security Standards); undefined: any. */
const addable: Readonly<Record<SyncContext['isolation']['podSecurity'], ReadonlySet<string> | undefined>> = {
  privileged: undefined,
  baseline: new Set([
    'AUDIT_WRITE',
    'CHOWN',
    'DAC_OVERRIDE',
    'FOWNER',
    'FSETID',
    'KILL',
    'MKNOD',
    'NET_BIND_SERVICE',
    'SETFCAP',
    'SETGID',
    'SETPCAP',
    'SETUID',
    'SYS_CHROOT',
  ]),
  restricted: new Set(['NET_BIND_SERVICE']),
}

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
  const allowed = addable[isolation.podSecurity]
  const left = allowed ? add.filter((capability) => !allowed.has(capability)) : []
  if (left.length === 0 || !container.securityContext) return { container, left: [] }
  const { add: _add, ...capabilities } = container.securityContext.capabilities ?? {}
  const kept = add.filter((capability) => !left.includes(capability))
  const securityContext = {
    ...container.securityContext,
    capabilities: { ...capabilities, ...(kept.length > 0 && { add: kept }) },
  }
  return { container: { ...container, securityContext }, left }
}
