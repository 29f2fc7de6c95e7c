import type { PodSecurityLevel } from '../../apis/isolation.ts'
import type { IsolationSettings } from '../../tenancy/isolation.ts'
import { baselineCapabilities, restrictedCapabilities, safeSysctls } from '../../tenancy/pod-security-standards.ts'
import { isNamed } from '../resources/ingress-annotations.ts'
import type { V1PodSpec } from './json-types.ts'

/** What the security of one pod has to be: its tenant's settings, or what the Pod Security level asks for where that is stricter. */
export interface Demands {
  readonly level: PodSecurityLevel
  readonly settings: IsolationSettings['pods']
  /** Fields that are about Linux may not be set. */
  readonly isWindows: boolean
  /** In super it has a user namespace of its own, in which root is nobody on the machine. */
  readonly inUserNamespace: boolean
  readonly nonRoot: boolean
  readonly noEscalation: boolean
  readonly dropAll: boolean
  /** Who names no profile gets the runtime's. */
  readonly seccomp: boolean
}

/** What holds for the pod with this spec. */
export const demandsOn = (
  { hostUsers, os }: Pick<V1PodSpec, 'hostUsers' | 'os'>,
  { podSecurity: level, pods: settings }: Pick<IsolationSettings, 'podSecurity' | 'pods'>,
): Demands => {
  const isWindows = os?.name === 'windows'
  const inUserNamespace = !isWindows && (hostUsers === false || settings.userNamespaces)
  const isRestricted = level === 'restricted'
  return {
    level,
    settings,
    isWindows,
    inUserNamespace,
    // The standard lets root be in a user namespace; the setting does not.
    nonRoot: settings.runAsNonRoot || (isRestricted && !inUserNamespace),
    noEscalation: !settings.privilegeEscalation || isRestricted,
    dropAll: isRestricted,
    seccomp: settings.seccomp === 'RuntimeDefault' || isRestricted,
  }
}

/** Capabilities that the Pod Security Standards let a container add; undefined: any. */
const addable: Readonly<Record<PodSecurityLevel, ReadonlySet<string> | undefined>> = {
  privileged: undefined,
  baseline: new Set(baselineCapabilities),
  restricted: new Set(restrictedCapabilities),
}

/** Which of the two stands in the way of a thing: the level, whose word a setting cannot widen, or the setting; undefined: nothing. */
export type Bar = 'level' | 'setting' | undefined

/** What keeps a container from adding a capability. */
export const capabilityBar = (capability: string, { level, settings }: Demands): Bar => {
  if (addable[level]?.has(capability) === false) return 'level'
  return settings.capabilities.includes('*') || settings.capabilities.includes(capability) ? undefined : 'setting'
}

/** What keeps a pod from setting a sysctl, which may be written with slashes (`sysctl.d(5)`). */
export const sysctlBar = (sysctl: string, { level, settings }: Demands): Bar => {
  if (safeSysctls.includes(sysctl)) return undefined
  if (level !== 'privileged') return 'level'
  return isNamed(sysctl.replaceAll('/', '.'), settings.sysctls) ? undefined : 'setting'
}
