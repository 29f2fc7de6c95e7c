import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import {
  isBerthKey,
  tenantLabel,
  tenantNameAnnotation,
  tenantNamespaceAnnotation,
  tenantObjectUidAnnotation,
} from '../../tenancy/marks.ts'
import { superNamespace } from '../../tenancy/names.ts'
import { type Bench, type Check, failed, passed, unknown, type Verdict } from '../check.ts'
import { answered } from '../refusal.ts'
import { compliantPod } from '../specimens.ts'
import { within } from '../wait.ts'

const forged = 'forged'
const stranger = '00000000-0000-4000-8000-000000000000'

/** Which marks of a super object are not what Berth writes for this tenant object. */
export const forgeries = (
  { metadata: { labels = {}, annotations = {} } }: KubeObject,
  tenantObject: KubeObject,
  tenantUid: string,
): readonly string[] => {
  const { namespace, name, uid } = tenantObject.metadata
  const wanted: readonly (readonly [key: string, is: string | undefined, wanted: string | undefined])[] = [
    [tenantLabel, labels[tenantLabel], tenantUid],
    [tenantNamespaceAnnotation, annotations[tenantNamespaceAnnotation], namespace],
    [tenantNameAnnotation, annotations[tenantNameAnnotation], name],
    [tenantObjectUidAnnotation, annotations[tenantObjectUidAnnotation], uid],
  ]
  return [
    ...wanted.filter(([, is, should]) => is !== should).map(([key]) => key),
    ...Object.entries({ ...labels, ...annotations })
      .filter(([key, value]) => isBerthKey(key) && (value === forged || value === stranger))
      .map(([key]) => key),
  ]
}

const forgedMarks = async (bench: Bench): Promise<Verdict> => {
  const { user, admin, superSide, tenant, namespace, image, settings, neighbour, signal } = bench
  if (!superSide) return unknown('where super is was not said: --super-kubeconfig')
  const pod = compliantPod({ name: 'forged-marks', namespace, image, args: ['pause'], pullAlways: settings.pods.pullAlways })
  await bench.control(resourceTypes.pods, pod)
  const marked = {
    ...pod,
    metadata: {
      ...pod.metadata,
      labels: { ...pod.metadata.labels, [tenantLabel]: neighbour?.uid ?? stranger, 'berth.dev/made-up': forged },
      annotations: {
        [tenantNamespaceAnnotation]: 'kube-system',
        [tenantNameAnnotation]: forged,
        [tenantObjectUidAnnotation]: stranger,
        'berth.dev/wanted-hash': forged,
      },
    },
  }
  let live: KubeObject | undefined
  const answer = await answered(async () => {
    live = await user.create(resourceTypes.pods, marked, { signal })
  }, signal)
  if (answer.kind === 'refused') return passed('marks of Berth are refused', [{ layer: 'tenant', saw: answer.message }])
  if (!live) return unknown(`a pod with marks could not be made: ${answer.kind === 'unknown' ? answer.message : ''}`)
  const ref = { name: 'forged-marks', namespace: superNamespace(tenant, namespace) }
  const superObject = await within(() => superSide.client.get(resourceTypes.pods, ref, { signal }), bench)
  await admin.delete(resourceTypes.pods, { name: ref.name, namespace }, { gracePeriodSeconds: 0, signal })
  if (!superObject) return unknown('a pod with marks of Berth did not come into super, and nothing says that it was refused')
  const wrong = forgeries(superObject, live, tenant.uid)
  return wrong.length > 0
    ? failed(`marks that the tenant wrote stand in super: ${wrong.join(', ')}`)
    : passed('labels and annotations of Berth that a tenant writes do not go down', [
        { layer: 'syncer', saw: `the pod in super has marks of tenant ${tenant.uid} only` },
      ])
}

export const markChecks: readonly Check[] = [
  {
    id: 'BERTH-TI-3',
    title: "Keep forged labels and annotations of Berth's out of super",
    category: 'Tenant Isolation',
    origin: 'berth',
    run: forgedMarks,
  },
]
