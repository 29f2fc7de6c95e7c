import { containerFields, ephemeralContainerFields, noClaims, podSecurityFields, resourceFields } from './container-fields.ts'
import { drop, pass, passing, refuse, translate, typeTable } from './fields.ts'
import { affinityFields, spreadFields } from './selector-fields.ts'
import { volumeFields } from './volume-fields.ts'

// Priorities order the pods of all tenants: only with a class of the super's is one of them allowed to say.
const priority = "follows in the super from the class, or from the super's default"

const hostNamespace = 'only in tenants of the Pod Security level `privileged`; else the pod is refused'

/** Every field of a pod's spec. */
export const podSpecFields = typeTable(
  'PodSpec',
  {
    affinity: translate('other pods are looked for in namespaces of this tenant only', affinityFields),
    automountServiceAccountToken: translate('off in the super: what is mounted is the token of the tenant'),
    containers: translate('', containerFields),
    dnsConfig: translate(
      "the tenant's DNS first, then what the pod adds; options are merged",
      typeTable('PodDNSConfig', passing('nameservers', 'searches'), {
        options: pass(typeTable('PodDNSConfigOption', passing('name', 'value'))),
      }),
    ),
    dnsPolicy: translate("`ClusterFirst` means the tenant's DNS"),
    ephemeralContainers: translate('added to the running pod', ephemeralContainerFields),
    evictionResponders: drop('the super knows nothing of the responders that would have to answer'),
    hostAliases: pass(typeTable('HostAlias', passing('hostnames', 'ip'))),
    hostIPC: translate(hostNamespace),
    hostNetwork: translate(hostNamespace),
    hostPID: translate(hostNamespace),
    hostUsers: translate('unset: false, where `spec.isolation.pods.userNamespaces` asks for it; true: there the pod is refused'),
    imagePullSecrets: translate(
      '',
      typeTable('LocalObjectReference', { name: translate('found under the name that it has in the super') }),
    ),
    initContainers: translate('', containerFields),
    nodeName: translate(
      'a node that the user wrote becomes a required node affinity; the scheduler of the super places every pod',
    ),
    nodeSelector: translate(
      "labels that the tenant itself put on its Nodes become a choice of nodes by name; all others pass, and the node pool's are added",
    ),
    os: pass(typeTable('PodOS', passing('name'))),
    overhead: drop("follows from the runtime class, as the super's own has it"),
    preemptionPolicy: drop(priority),
    priority: drop(priority),
    priorityClassName: translate(
      'kept when the tenant may use this class of the super, which is never one of the system classes; else left out, and an Event says so',
    ),
    readinessGates: pass(typeTable('PodReadinessGate', passing('conditionType'))),
    resourceClaims: refuse(noClaims),
    resources: pass(resourceFields),
    runtimeClassName: translate(
      "the forced class of the tenant, if it has one; else kept when the tenant may use it, and the pod refused when not; the tenant's default where none is named",
    ),
    schedulerName: translate('only `default-scheduler`: pods that name another are refused'),
    schedulingGates: pass(typeTable('PodSchedulingGate', passing('name'))),
    schedulingGroup: refuse('scheduling groups are not offered here'),
    securityContext: translate('', podSecurityFields),
    serviceAccount: drop('the old name of `serviceAccountName`'),
    serviceAccountName: translate('an account without rights in the super; tokens are those of the tenant'),
    setHostnameAsFQDN: translate("with the tenant's namespace and domain; refused when longer than 63 characters"),
    subdomain: translate("the tenant's DNS and the pod's own hosts file know the name"),
    tolerations: translate(
      'those of taints that the tenant may tolerate; one without a key becomes one of each of these',
      typeTable('Toleration', passing('effect', 'key', 'operator', 'tolerationSeconds', 'value')),
    ),
    topologySpreadConstraints: translate('', spreadFields),
    volumes: translate('', volumeFields),
  },
  passing('activeDeadlineSeconds', 'enableServiceLinks', 'hostname'),
  passing('hostnameOverride', 'restartPolicy', 'shareProcessNamespace', 'terminationGracePeriodSeconds'),
)
