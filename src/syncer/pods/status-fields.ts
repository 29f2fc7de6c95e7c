import { drop, pass, passing, translate, typeTable } from './fields.ts'

const resources = typeTable(
  'ResourceRequirements',
  { claims: drop('resource claims are not offered here') },
  passing('limits', 'requests'),
)

const containerState = typeTable('ContainerState', {
  running: pass(typeTable('ContainerStateRunning', passing('startedAt'))),
  terminated: pass(
    typeTable(
      'ContainerStateTerminated',
      passing('containerID', 'exitCode', 'finishedAt', 'message', 'reason', 'signal', 'startedAt'),
    ),
  ),
  waiting: pass(typeTable('ContainerStateWaiting', passing('message', 'reason'))),
})

const volumeMountStatus = typeTable('VolumeMountStatus', passing('mountPath', 'name', 'readOnly', 'recursiveReadOnly'), {
  volumeStatus: pass(typeTable('VolumeStatus', { image: pass(typeTable('ImageVolumeStatus', passing('imageRef'))) })),
})

export const containerStatusFields = typeTable(
  'ContainerStatus',
  {
    allocatedResourcesStatus: pass(
      typeTable('ResourceStatus', passing('name'), {
        resources: pass(typeTable('ResourceHealth', passing('health', 'message', 'resourceID'))),
      }),
    ),
    lastState: pass(containerState),
    resources: pass(resources),
    state: pass(containerState),
    user: pass(
      typeTable('ContainerUser', { linux: pass(typeTable('LinuxContainerUser', passing('gid', 'supplementalGroups', 'uid'))) }),
    ),
    volumeMounts: translate('only mounts that the container of the tenant has', volumeMountStatus),
  },
  passing('allocatedResources', 'containerID', 'image', 'imageID', 'name', 'ready', 'restartCount', 'started', 'stopSignal'),
)

export const podConditionFields = typeTable(
  'PodCondition',
  {
    message: translate("without the super's names and containers"),
    observedGeneration: translate("in the tenant's count"),
  },
  passing('lastProbeTime', 'lastTransitionTime', 'reason', 'status', 'type'),
)

const containerStatuses = translate('only containers that the tenant knows', containerStatusFields)
const claims = drop('resource claims are not offered here')

/** Every field of a pod's status. One without a row does not go up: an older tenant would drop it each time anew. */
export const podStatusFields = typeTable(
  'PodStatus',
  {
    conditions: translate(
      "the super's; those of readiness gates and of the tenant's own controllers stay with the tenant",
      podConditionFields,
    ),
    containerStatuses,
    ephemeralContainerStatuses: containerStatuses,
    extendedResourceClaimStatus: claims,
    hostIPs: pass(typeTable('HostIP', passing('ip'))),
    initContainerStatuses: containerStatuses,
    message: translate("without the super's names"),
    nodeAllocatableResourceClaimStatuses: claims,
    nominatedNodeName: translate('until the pod has its node'),
    observedGeneration: translate("in the tenant's count"),
    podIPs: pass(typeTable('PodIP', passing('ip'))),
    qosClass: drop("set by the tenant's API server from the tenant's own containers; it never changes"),
    resourceClaimStatuses: claims,
    resources: pass(resources),
    volumeHealth: drop("speaks of the super's volumes; alpha"),
  },
  passing('allocatedResources', 'hostIP', 'phase', 'podIP', 'reason', 'resize', 'startTime'),
)
