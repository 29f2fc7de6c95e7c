import type { KubeObject, ObjectMeta } from '../../apis/kube-object.ts'
import type { ClassSizes } from '../../apis/tenant-class.ts'
import type { TenantControlPlaneSpec } from '../../apis/tenant-control-plane.ts'
import { componentLabel, controlPlaneLabel, managedByBerth, managedByLabel } from '../../tenancy/marks.ts'
import type { TenantRef } from '../../tenancy/names.ts'
import type { MemberPlan } from '../data-stores/members.ts'
import type { PlanePlace } from '../endpoints.ts'
import type { componentNames } from '../names.ts'
import { keyFolder } from './keys-volume.ts'

/**
 * Where etcd keeps its data: a claim (of a class, or of the cluster's default one), a directory that goes with the pod, or nowhere here. Sizes are quantities:
 * `template` is what the StatefulSet that is there makes volumes with, `smallest` what every member has. Both are those of the spec, but while disks grow.
 */
export type Storage =
  | { readonly kind: 'claim'; readonly className?: string; readonly template?: string; readonly smallest?: string }
  | { readonly kind: 'ephemeral' }
  | { readonly kind: 'elsewhere' }

/** Where a data store is that is not the tenant's own. */
export interface RemotePlace {
  readonly endpoints: readonly string[]
  /** With a slash at both ends. All keys of the tenant are below it, and nobody else's. */
  readonly prefix: string
}

/** The members of a dedicated data store. */
export interface StorePlan {
  readonly members: readonly MemberPlan[]
  /** Members are being changed: no other change starts one of them anew meanwhile. */
  readonly isHeld: boolean
}

/** All that the objects of a control plane are made of. Known before the first of them is applied, so each workload has one revision. */
export interface Plane extends PlanePlace {
  readonly tenant: TenantRef
  readonly spec: TenantControlPlaneSpec
  /** What the tenant's class says of sizes. */
  readonly sizes?: ClassSizes
  /** The first IPv6 slice, of a tenant whose Services have both families. */
  readonly ipv6Slice?: string
  readonly storage: Storage
  readonly store: StorePlan
  /** Of a data store that is not the tenant's own; undefined while it is not known. */
  readonly remote?: RemotePlace
  /** `registry.k8s.io`, or what takes its place. */
  readonly registry: string
  /** True once the control plane has run: what only speeds up the very first start is over then. */
  readonly hasServed: boolean
  /** Hashes of what each component reads of the roots when it starts. Leaves are picked up live when renewed; new roots need new processes. */
  readonly rootsHashes: RootsHashes
  /** A rotation of the authorities is under way: API servers say who comes with which certificate. */
  readonly watchesClients: boolean
}

export type RootsHashes = Readonly<Record<(typeof componentNames)[keyof typeof componentNames], string>>

/** Something that a control plane consists of: its objects, as they should be. Pure. */
export interface Component {
  readonly name: string
  desired(plane: Plane): readonly KubeObject[]
}

export const labelsOf = (plane: Pick<Plane, 'tenant'>, component?: string): Record<string, string> => ({
  [managedByLabel]: managedByBerth,
  [controlPlaneLabel]: plane.tenant.uid,
  ...(component && { [componentLabel]: component }),
})

export const metadataOf = (plane: Pick<Plane, 'tenant' | 'namespace'>, name: string, component?: string): ObjectMeta => ({
  name,
  namespace: plane.namespace,
  labels: labelsOf(plane, component),
})

/** Any user but root; the number of distroless images' `nonroot`. */
const user = 65532
/** Security context of every pod in a control-plane namespace. */
export const podSecurity = {
  runAsNonRoot: true,
  runAsUser: user,
  runAsGroup: user,
  fsGroup: user,
  fsGroupChangePolicy: 'OnRootMismatch',
  seccompProfile: { type: 'RuntimeDefault' },
} as const
export const rootsHashAnnotation = 'berth.dev/roots-hash'

/** The hash of the roots of trust that the pods of a workload were made with. */
export const rootsHashOf = (workload: KubeObject | undefined): string | undefined =>
  workload?.spec?.template?.metadata?.annotations?.[rootsHashAnnotation]

/** Metadata and common fields of the pods of a component: no account, no root, no more rights than needed, keys from one Secret. */
export const podTemplate = (
  plane: Plane,
  component: keyof RootsHashes,
  pod: {
    readonly container: Record<string, unknown>
    readonly secret: string
    readonly volumes?: readonly unknown[]
    readonly annotations?: Readonly<Record<string, string>>
    readonly fields?: object
  },
) => ({
  metadata: {
    labels: labelsOf(plane, component),
    annotations: { [rootsHashAnnotation]: plane.rootsHashes[component], ...pod.annotations },
  },
  spec: {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: podSecurity,
    containers: [
      {
        name: component,
        imagePullPolicy: 'IfNotPresent',
        // The last lines of the log become the message of a crash, which then stands in the tenant's conditions.
        terminationMessagePolicy: 'FallbackToLogsOnError',
        securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
        ...pod.container,
        volumeMounts: [
          { name: 'keys', mountPath: keyFolder, readOnly: true },
          ...((pod.container.volumeMounts as unknown[]) ?? []),
        ],
      },
    ],
    volumes: [{ name: 'keys', secret: { secretName: pod.secret, defaultMode: 0o440 } }, ...(pod.volumes ?? [])],
    ...pod.fields,
  },
})

/** Replicas of one component on different nodes where there are several. */
export const spread = (plane: Plane, component: string) => ({
  topologySpreadConstraints: [
    {
      maxSkew: 1,
      topologyKey: 'kubernetes.io/hostname',
      whenUnsatisfiable: 'ScheduleAnyway',
      labelSelector: { matchLabels: selectorOf(plane, component) },
    },
  ],
})

export const selectorOf = (plane: Pick<Plane, 'tenant'>, component: string): Record<string, string> => ({
  [controlPlaneLabel]: plane.tenant.uid,
  [componentLabel]: component,
})

/** An HTTP probe that is asked each second while a container starts, and seldom later. */
export const probes = (
  http: { readonly port: number; readonly scheme: 'HTTP' | 'HTTPS' },
  paths: { live: string; ready: string },
  startSeconds = 120,
) => {
  const at = (path: string) => ({ httpGet: { path, ...http }, timeoutSeconds: 5 })
  return {
    // Two minutes to start: a loaded machine is no reason for a restart, which would make it worse.
    startupProbe: { ...at(paths.ready), periodSeconds: 1, failureThreshold: startSeconds },
    readinessProbe: { ...at(paths.ready), periodSeconds: 5, failureThreshold: 3 },
    livenessProbe: { ...at(paths.live), periodSeconds: 10, failureThreshold: 6, timeoutSeconds: 15 },
  }
}

/** An available-disruption budget for a component with several replicas. */
export const disruptionBudget = (plane: Plane, component: string): KubeObject => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: metadataOf(plane, component, component),
  spec: { maxUnavailable: 1, selector: { matchLabels: selectorOf(plane, component) } },
})
