import type { ControlPlaneSnapshot } from '../apis/control-plane-snapshot.ts'
import type { KubeObject } from '../apis/kube-object.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'

/** What is known of a tenant that is to go; undefined is what could not be read. */
export interface FarewellFacts {
  readonly plane: TenantControlPlane
  /** Names of its namespaces in super. */
  readonly superNamespaces: readonly string[] | undefined
  /** Every PersistentVolume of super. */
  readonly volumes: readonly KubeObject[] | undefined
  /** Of its namespace in management. */
  readonly snapshots: readonly ControlPlaneSnapshot[] | undefined
}

export interface Farewell {
  readonly goes: readonly string[]
  readonly stays: readonly string[]
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`
const some = (names: readonly string[]): string =>
  names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ')

const namesOf = (objects: readonly KubeObject[]): string[] => objects.map(({ metadata }) => metadata.name ?? '')

/** What goes with a tenant, and what is left behind. */
export const farewellOf = ({ plane, superNamespaces, volumes, snapshots }: FarewellFacts): Farewell => {
  const { name = '', namespace = '' } = plane.metadata
  const own = volumes?.filter(({ spec }) => superNamespaces?.includes(spec?.claimRef?.namespace))
  const [kept = [], lost = []] = own
    ? [true, false].map((isKept) => own.filter(({ spec }) => (spec?.persistentVolumeReclaimPolicy === 'Retain') === isKept))
    : []
  const ofTenant = snapshots?.filter(({ spec }) => spec.tenantName === name)
  const readable = ofTenant?.filter(({ spec }) => (spec.recipients ?? []).length > 0)
  const unreadable = (ofTenant?.length ?? 0) - (readable?.length ?? 0)
  return {
    goes: [
      `the control plane and all data in it${plane.status?.controlPlaneNamespace ? ` (namespace ${plane.status.controlPlaneNamespace})` : ''}`,
      superNamespaces
        ? `pods, Services and claims in super (${counted(superNamespaces.length, 'namespace')})`
        : 'pods, Services and claims in super',
      ...(own
        ? lost.length > 0
          ? [`${counted(lost.length, 'volume')}: ${some(namesOf(lost))}`]
          : []
        : ['volumes of its claims']),
      `the published kubeconfig in namespace ${namespace}, and every key: no kubeconfig of it works any more`,
    ],
    stays: [
      ...(own
        ? kept.length > 0
          ? [`${counted(kept.length, 'volume')} with reclaim policy Retain: ${some(namesOf(kept))}`]
          : []
        : ['volumes whose reclaim policy is Retain']),
      ...(ofTenant
        ? ofTenant.length > 0
          ? [`${counted(ofTenant.length, 'snapshot')}: ${some(namesOf(ofTenant))}`]
          : []
        : ['its snapshots']),
      ...(unreadable > 0
        ? [
            `of the snapshots ${unreadable} cannot be cloned then: they are not encrypted, and the key to them goes with the tenant`,
          ]
        : []),
    ],
  }
}

/** The same for a person to read. */
export const farewellText = (name: string, { goes, stays }: Farewell): string =>
  [
    `With tenant ${name} goes:`,
    ...goes.map((line) => `  - ${line}`),
    ...(stays.length > 0 ? ['What stays:', ...stays.map((line) => `  - ${line}`)] : ['Nothing stays.']),
    '',
  ].join('\n')
