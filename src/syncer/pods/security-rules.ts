import { seLinuxTypes } from '../../tenancy/pod-security-standards.ts'
import { type Bar, capabilityBar, type Demands } from './demands.ts'
import type { V1PodSecurityContext, V1SecurityContext } from './json-types.ts'

/** Something that a security context asks for and may not have. */
export interface Finding {
  /** Field of the security context. */
  readonly field: keyof V1SecurityContext
  /** What of it may not be, for people: `capabilities.add: SYS_PTRACE`. */
  readonly asked: string
  /** What holds instead, and by which setting. */
  readonly law: string
}

/** Fields that pods and containers both have. */
type SharedContext = Pick<
  V1PodSecurityContext & V1SecurityContext,
  'appArmorProfile' | 'runAsNonRoot' | 'runAsUser' | 'seccompProfile' | 'seLinuxOptions' | 'windowsOptions'
>

/** The level as a reason, with what the operator has to do with it. */
export const byLevel = ({ level }: Pick<Demands, 'level'>): string =>
  `pods here are held to the Pod Security level ${level} (spec.isolation.podSecurity of the tenant, which the platform's operator sets)`

/** A setting as a reason. */
export const bySetting = (name: keyof Demands['settings'], what: string): string =>
  `${what} (spec.isolation.pods.${name} of the tenant, which the platform's operator sets)`

const profileTypes: ReadonlySet<string> = new Set(['RuntimeDefault', 'Localhost'])

const seLinuxAsk = ({ type = '', user = '', role = '' }: NonNullable<SharedContext['seLinuxOptions']>): string | undefined => {
  if (!seLinuxTypes.includes(type)) return `seLinuxOptions.type: ${type}`
  if (user !== '') return `seLinuxOptions.user: ${user}`
  return role === '' ? undefined : `seLinuxOptions.role: ${role}`
}

const nonRootLaw = (demands: Demands): string =>
  demands.settings.runAsNonRoot ? bySetting('runAsNonRoot', 'nothing here runs as root') : byLevel(demands)

const escalationLaw = (demands: Demands): string =>
  demands.settings.privilegeEscalation
    ? byLevel(demands)
    : bySetting('privilegeEscalation', 'no container here may get more rights than it was started with')

const found = (field: Finding['field'], asked: string | undefined, law: string): readonly Finding[] =>
  asked === undefined ? [] : [{ field, asked, law }]

/** What of a context may not be, in fields that pods have as well as containers. */
export const sharedFindings = (context: SharedContext, demands: Demands): readonly Finding[] => {
  const { appArmorProfile, runAsNonRoot, runAsUser, seccompProfile, seLinuxOptions, windowsOptions } = context
  const level = byLevel(demands)
  const root =
    demands.nonRoot && (runAsNonRoot === false || runAsUser === 0)
      ? [
          ...found('runAsNonRoot', runAsNonRoot === false ? 'runAsNonRoot: false' : undefined, nonRootLaw(demands)),
          ...found('runAsUser', runAsUser === 0 ? 'runAsUser: 0' : undefined, nonRootLaw(demands)),
        ]
      : []
  if (demands.level === 'privileged') return root
  const unlessKnown = (field: string, profile: { readonly type?: string } | undefined): string | undefined =>
    profile === undefined || profileTypes.has(profile.type ?? '') ? undefined : `${field}.type: ${profile.type ?? 'none'}`
  return [
    ...found('seccompProfile', unlessKnown('seccompProfile', seccompProfile), level),
    ...found('appArmorProfile', unlessKnown('appArmorProfile', appArmorProfile), level),
    ...found('seLinuxOptions', seLinuxOptions && seLinuxAsk(seLinuxOptions), level),
    ...found('windowsOptions', windowsOptions?.hostProcess ? 'windowsOptions.hostProcess: true' : undefined, level),
    ...root,
  ]
}

/** With it `allowPrivilegeEscalation: false` is no valid container (k8s.io/kubernetes/pkg/apis/core/validation). */
const wholeSystem = 'CAP_SYS_ADMIN'

const capabilityLaw = (bar: NonNullable<Bar>, demands: Demands): string => {
  const { capabilities } = demands.settings
  const list =
    capabilities.length === 0 ? 'containers here add no capabilities' : `containers here add only ${capabilities.join(', ')}`
  return bar === 'level' ? byLevel(demands) : bySetting('capabilities', list)
}

/** Capabilities that a container adds and may not have. */
export const barredCapabilities = ({ capabilities }: V1SecurityContext, demands: Demands): readonly string[] =>
  (capabilities?.add ?? []).filter(
    (capability) => capabilityBar(capability, demands) !== undefined || (capability === wholeSystem && demands.noEscalation),
  )

const capabilityFindings = (context: V1SecurityContext, demands: Demands): readonly Finding[] =>
  barredCapabilities(context, demands).map((capability) => {
    const bar = capabilityBar(capability, demands)
    const law = bar === undefined ? escalationLaw(demands) : capabilityLaw(bar, demands)
    return { field: 'capabilities', asked: `capabilities.add: ${capability}`, law }
  })

/** What of a container's security context may not be. */
export const containerFindings = (context: V1SecurityContext, demands: Demands): readonly Finding[] => {
  const { allowPrivilegeEscalation, privileged, procMount = 'Default' } = context
  const { level, noEscalation, inUserNamespace } = demands
  const unmasked = procMount !== 'Default' && (level === 'restricted' || (level === 'baseline' && !inUserNamespace))
  return [
    ...found('privileged', privileged && level !== 'privileged' ? 'privileged: true' : undefined, byLevel(demands)),
    // A privileged container has all rights from its start; the API takes it only with escalation.
    ...found(
      'privileged',
      privileged && level === 'privileged' && noEscalation ? 'privileged: true' : undefined,
      escalationLaw(demands),
    ),
    ...capabilityFindings(context, demands),
    ...found(
      'allowPrivilegeEscalation',
      allowPrivilegeEscalation && noEscalation ? 'allowPrivilegeEscalation: true' : undefined,
      escalationLaw(demands),
    ),
    ...found('procMount', unmasked ? `procMount: ${procMount}` : undefined, byLevel(demands)),
    ...sharedFindings(context, demands),
  ]
}
