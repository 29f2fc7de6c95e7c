import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { AppError, explainError, hasCode } from '../../lib/errors.ts'
import { controlPlaneLabel } from '../../tenancy/marks.ts'
import { kubeconfigSecretName } from '../../tenancy/names.ts'
import { applyWanted, isApplied } from '../apply.ts'
import { exposureService } from '../components/exposure.ts'
import { resourceQuota } from '../components/isolation.ts'
import { apiServerPort } from '../components/kube-apiserver.ts'
import { labelsOf } from '../components/plane.ts'
import type { Deps } from '../deps.ts'
import { hasReadyPod, podsOf } from '../diagnose.ts'
import { tenantEndpoint } from '../endpoints.ts'
import { componentNames, exposedService, fieldManager } from '../names.ts'
import { objectId } from '../observe.ts'
import { adminKubeconfig } from '../pki/files.ts'
import type { Round, Step, StepOutcome } from '../steps.ts'
import { adminClient } from './foundation.ts'

type Wait = Extract<StepOutcome, { kind: 'wait' }>

/** Nothing of it keeps a tenant from being used by the way in that it has. */
const notYet = (reason: string, message: string, fields: Partial<Wait> = {}): Wait => ({
  kind: 'wait',
  reason,
  message,
  serves: true,
  retryAfterMs: 5000,
  ...fields,
})

const deleteService = async ({ metadata }: KubeObject, { kube, signal }: Deps): Promise<void> => {
  const { name = '', namespace = '', uid = '' } = metadata
  await kube.delete(resourceTypes.services, { name, namespace }, { uid, signal })
}

/** Room for the Service in the quota of its namespace, which counts by what super has taken note of. */
const makeRoom = async ({ plane, observed }: Round, deps: Deps): Promise<Wait | undefined> => {
  const quota = resourceQuota(plane)
  const live = observed.objects.get(objectId(quota))
  if (!live) return undefined
  await applyWanted(quota, live, deps)
  const hard = live.status?.hard as Record<string, string> | undefined
  const isNoted = ['services.nodeports', 'services.loadbalancers'].every((name) => hard?.[name] === quota.spec.hard[name])
  return isNoted ? undefined : notYet('Starting', "waits for super to take note of the namespace's quota", { retryAfterMs: 500 })
}

/** Makes the exposing Service as it is wanted. What super refuses is told, and keeps nothing else from going on. */
const laid = async (round: Round, deps: Deps): Promise<Wait | undefined> => {
  const wanted = exposureService(round.plane)
  const live = round.observed.objects.get(`Service/${exposedService}`)
  if (!wanted || isApplied(wanted, live)) return undefined
  const waits = await makeRoom(round, deps)
  if (waits) return waits
  try {
    await applyWanted(wanted, live, deps)
    return notYet('Starting', `the Service of type ${wanted.spec.type} is being made`, { retryAfterMs: 200 })
  } catch (error) {
    if (!hasCode(error, 'KUBE_INVALID', 'KUBE_FORBIDDEN')) throw error
    if (live && hasCode(error, 'KUBE_INVALID') && error.message.includes('loadBalancerClass')) {
      // Nobody can change it: another load balancer takes over from here.
      await deleteService(live, deps)
      return notYet('Starting', 'the Service is made anew for another load balancer class', { retryAfterMs: 500 })
    }
    const message = `super refuses the Service of type ${wanted.spec.type}: ${explainError(error)}. The kubeconfig stays as it is`
    return notYet('ServiceRefused', message, { problem: true })
  }
}

/** True when every API server that gets requests shows a certificate with the name, of whichever authority is trusted: kubelets bring it to them within about a minute. */
const isShown = async (host: string, { observed, roots }: Round, { showsName, signal }: Deps): Promise<boolean> => {
  const serving = podsOf(observed.pods, componentNames.kubeApiServer).filter((pod) => hasReadyPod([pod]))
  const shown = await Promise.all(
    serving.map(({ status }) =>
      showsName({ address: status?.podIP, port: apiServerPort, ca: roots.trust.authorities.cluster }, host, signal),
    ),
  )
  return shown.length > 0 && shown.every(Boolean)
}

/** The server to publish, and what is still to come. A kubeconfig never names a server whose certificate is not valid for it yet. */
const decide = async (round: Round, deps: Deps): Promise<{ readonly server: string; readonly waits?: Wait }> => {
  const own = tenantEndpoint(round.plane)
  const before = round.tenant.status?.endpoint ?? own
  const { way } = round
  const unlaid = await laid(round, deps)
  if (unlaid) return { server: before, waits: unlaid }
  if (way.kind === 'unknown') return { server: before, waits: notYet(way.reason, way.message) }
  if (way.server === before || way.server === own || (await isShown(way.host, round, deps))) return { server: way.server }
  const message = `waits for the API server to show a certificate for ${way.host}, which takes about a minute; the kubeconfig names ${before} until then`
  return { server: before, waits: notYet('WaitsForCertificate', message, { retryAfterMs: 1000 }) }
}

const publishedSecretOf = ({ plane, roots, keys, ref }: Round, server: string): KubeObject => {
  const text = adminKubeconfig({ tenant: plane.tenant, server }, roots, adminClient(keys))
  const value = Buffer.from(text).toString('base64')
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: kubeconfigSecretName(ref.name), namespace: ref.namespace, labels: labelsOf(plane) },
    type: 'Opaque',
    // Two names for one text: `value` is what Cluster API tools look for, `kubeconfig` what people look for.
    data: { value, kubeconfig: value },
  }
}

const publish = async (round: Round, server: string, { kube, signal }: Deps): Promise<void> => {
  const wanted = publishedSecretOf(round, server)
  const live = round.observed.publishedSecret
  if (live && live.metadata.labels?.[controlPlaneLabel] !== round.ref.uid) {
    const { namespace, name } = wanted.metadata
    throw new AppError('SUPER_OBJECT_FOREIGN', `Secret ${namespace}/${name} is not Berth's: delete or rename it`, {
      namespace,
      name,
    })
  }
  if (live?.data?.value !== wanted.data.value || live?.data?.kubeconfig !== wanted.data.kubeconfig) {
    await kube.apply(resourceTypes.secrets, wanted, { fieldManager, force: true, signal })
  }
}

/** The way in, and the kubeconfig beside the TenantControlPlane that says it: the only thing of a control plane that leaves its namespace. */
export const kubeconfig: Step = {
  name: 'kubeconfig',
  condition: 'Exposed',
  needs: [],
  async run(round, deps) {
    const { server, waits } = await decide(round, deps)
    await publish(round, server, deps)
    if (waits) return { ...waits, endpoint: server }
    const left = round.observed.objects.get(`Service/${exposedService}`)
    // Not before the kubeconfig names another way.
    // Nor before super is led another way.
    const isTaken = round.superTrouble === undefined && !exposureService(round.plane)
    if (left && !left.metadata.deletionTimestamp && isTaken) await deleteService(left, deps)
    return { kind: 'done', reason: 'Published', message: `the kubeconfig names ${server}`, endpoint: server }
  },
}
