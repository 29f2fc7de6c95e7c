import type { Demands } from './demands.ts'
import type { V1PodSpec, V1SecurityContext, V1Volume } from './json-types.ts'
import type { AnyContainer } from './pod.ts'
import { barredCapabilities, containerFindings } from './security-rules.ts'

/** What the pod's own spec gets where it says nothing: user, seccomp profile, user namespace. */
export const hardenedSpec = (
  { securityContext, hostUsers }: Pick<V1PodSpec, 'securityContext' | 'hostUsers'>,
  { isWindows, nonRoot, seccomp, settings }: Demands,
): Pick<V1PodSpec, 'securityContext' | 'hostUsers'> => {
  const runAsNonRoot = nonRoot && securityContext?.runAsNonRoot === undefined
  const seccompProfile = seccomp && !isWindows && securityContext?.seccompProfile === undefined
  const wanted = {
    ...securityContext,
    ...(runAsNonRoot && { runAsNonRoot: true }),
    ...(seccompProfile && { seccompProfile: { type: 'RuntimeDefault' } }),
  }
  const users = hostUsers ?? (settings.userNamespaces && !isWindows ? false : undefined)
  return {
    ...((securityContext || runAsNonRoot || seccompProfile) && { securityContext: wanted }),
    ...(users !== undefined && { hostUsers: users }),
  }
}

const hardenedContext = (
  context: V1SecurityContext | undefined,
  { dropAll, isWindows, noEscalation }: Demands,
): V1SecurityContext | undefined => {
  if (isWindows) return context
  const keeps = !noEscalation || context?.allowPrivilegeEscalation !== undefined
  const drops = context?.capabilities?.drop ?? []
  const dropped = !dropAll || drops.includes('ALL')
  if (keeps && dropped) return context
  return {
    ...context,
    ...(!keeps && { allowPrivilegeEscalation: false }),
    // Whoever drops some of them drops all: that is what the level asks for.
    ...(!dropped && { capabilities: { ...context?.capabilities, drop: ['ALL'] } }),
  }
}

/** A container with what its tenant's settings bring where it says nothing, and its image pulled as they say. */
export const hardenedContainer = <T extends AnyContainer>(container: T, demands: Demands): T => {
  const securityContext = hardenedContext(container.securityContext, demands)
  return {
    ...container,
    ...(demands.settings.pullAlways && { imagePullPolicy: 'Always' }),
    ...(securityContext && { securityContext }),
  }
}

/** A volume whose image, if it is one, is pulled as the tenant's settings say. */
export const hardenedVolume = (volume: V1Volume, { settings: { pullAlways } }: Demands): V1Volume =>
  pullAlways && volume.image ? { ...volume, image: { ...volume.image, pullPolicy: 'Always' } } : volume

/** A debug container that goes down with less than it asked for. */
export interface Within<T> {
  readonly container: T
  /** What it goes without, each as `capabilities.add: SYS_PTRACE`. */
  readonly left: readonly string[]
}

/**
 * A debug container without what its tenant may not ask for: `kubectl debug` asks for SYS_PTRACE unless it is told not to (k8s.io/kubectl/pkg/cmd/debug,
 * profile `general`), and would wait for ever for a container that is refused. Its pod runs already, so it is too late to refuse that.
 */
export const withinRules = <T extends AnyContainer>(container: T, demands: Demands): Within<T> => {
  const { securityContext: context = {}, imagePullPolicy } = container
  const findings = containerFindings(context, demands)
  // The API takes none of these in a debug container; who leads it astray gets none either.
  const {
    ports: _ports,
    livenessProbe: _live,
    readinessProbe: _ready,
    startupProbe: _start,
    lifecycle: _hooks,
    ...rest
  } = container
  const plain = rest as T
  const never = demands.settings.pullAlways && imagePullPolicy === 'Never' ? ['imagePullPolicy: Never'] : []
  const left = [...findings.map(({ asked }) => asked), ...never]
  if (findings.length === 0) return { container: plain, left }
  const fields = new Set<string>(findings.map(({ field }) => field))
  const others = Object.fromEntries(Object.entries(context).filter(([field]) => !fields.has(field)))
  const barred = barredCapabilities(context, demands)
  const { add = [], ...capabilities } = context.capabilities ?? {}
  const kept = add.filter((capability) => !barred.includes(capability))
  const securityContext = {
    ...others,
    ...(fields.has('capabilities') && { capabilities: { ...capabilities, ...(kept.length > 0 && { add: kept }) } }),
  }
  return { container: { ...plain, securityContext }, left }
}
