import { resourceTypes } from '../../apis/resource-types.ts'
import { type AgentRecord, agentRecordObject, agentRecordRef } from '../../tenancy/agent-record.ts'
import { applyWanted } from '../apply.ts'
import { superEndpoint } from '../endpoints.ts'
import { type Step, superAway } from '../steps.ts'

/**
 * Tells vn-agent where the tenant's API server is and which keys its service-account tokens are signed with, so that a metrics server in the tenant can
 * show the agent its token as it would to a kubelet.
 */
export const agentRecord: Step = {
  name: 'agent record',
  needs: [],
  run: async ({ ref, plane, roots, superTrouble }, { superCluster: { kube }, signal }) => {
    if (superTrouble !== undefined) return superAway(superTrouble)
    const record: AgentRecord = {
      tenant: ref,
      server: superEndpoint(plane.slice),
      ca: roots.trust.authorities.cluster,
      tokenKeys: roots.trust.serviceAccount,
    }
    const live = await kube.get(resourceTypes.configMaps, agentRecordRef(ref.uid), { signal })
    await applyWanted(agentRecordObject(record), live, { kube, signal })
    return { kind: 'done', reason: 'Written', message: 'vn-agent knows the tenant' }
  },
}
