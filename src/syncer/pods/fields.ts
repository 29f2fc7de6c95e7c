/**
 * What happens to a field on its way down. `pass`: as it is. `translate`: a rule of its own rewrites it. `drop`: super decides it. `refuse`: the pod
 * does not go down; the row says why in words for the tenant.
 */
export type FieldRule = 'pass' | 'translate' | 'drop' | { readonly refuse: string }

export type FieldTable = Readonly<Record<string, FieldRule>>

/** Every field of a PodSpec in the Kubernetes versions served. A field without a row is refused: nobody has thought about it yet. */
export const podSpecFields: FieldTable = {
  activeDeadlineSeconds: 'pass',
  affinity: 'translate',
  automountServiceAccountToken: 'translate',
  containers: 'translate',
  dnsConfig: 'translate',
  dnsPolicy: 'translate',
  enableServiceLinks: 'pass',
  // The API allows them on running pods only: they go through a subresource of their own.
  ephemeralContainers: 'drop',
  // Super knows nothing of the responders that would have to answer.
  evictionResponders: 'drop',
  hostAliases: 'pass',
  hostIPC: 'pass',
  hostNetwork: 'pass',
  hostPID: 'pass',
  hostUsers: 'pass',
  hostname: 'pass',
  hostnameOverride: 'translate',
  imagePullSecrets: 'translate',
  initContainers: 'translate',
  nodeName: 'translate',
  nodeSelector: 'pass',
  os: 'pass',
  // Follows from the runtime class, which super's admission would check against its own.
  overhead: 'drop',
  // Priorities order the pods of all tenants: not for one of them to say.
  preemptionPolicy: 'drop',
  priority: 'drop',
  priorityClassName: 'drop',
  readinessGates: 'pass',
  resourceClaims: { refuse: 'resource claims are not offered here' },
  resources: 'pass',
  restartPolicy: 'pass',
  runtimeClassName: { refuse: 'runtime classes are not offered here' },
  schedulerName: 'translate',
  schedulingGates: 'pass',
  schedulingGroup: { refuse: 'scheduling groups are not offered here' },
  securityContext: 'pass',
  serviceAccount: 'drop',
  serviceAccountName: 'translate',
  setHostnameAsFQDN: 'translate',
  shareProcessNamespace: 'pass',
  // Super's kubelet would write its own namespace's name into /etc/hosts. The tenant's DNS answers for the subdomain.
  subdomain: 'drop',
  terminationGracePeriodSeconds: 'pass',
  tolerations: 'pass',
  topologySpreadConstraints: 'translate',
  volumes: 'translate',
}

/** Every field of a container of any list. */
export const containerFields: FieldTable = {
  args: 'pass',
  command: 'pass',
  env: 'translate',
  envFrom: 'translate',
  image: 'pass',
  imagePullPolicy: 'pass',
  lifecycle: 'pass',
  livenessProbe: 'pass',
  name: 'pass',
  ports: 'pass',
  readinessProbe: 'pass',
  resizePolicy: 'pass',
  resources: 'pass',
  restartPolicy: 'pass',
  restartPolicyRules: 'pass',
  securityContext: 'pass',
  startupProbe: 'pass',
  stdin: 'pass',
  stdinOnce: 'pass',
  targetContainerName: 'pass',
  terminationMessagePath: 'pass',
  terminationMessagePolicy: 'pass',
  tty: 'pass',
  volumeDevices: 'pass',
  volumeMounts: 'pass',
  workingDir: 'pass',
}

/** Sources of one environment variable. */
export const envSourceFields: FieldTable = {
  configMapKeyRef: 'translate',
  fieldRef: 'translate',
  fileKeyRef: 'pass',
  resourceFieldRef: 'pass',
  secretKeyRef: 'translate',
}

/** Volume sources. The `name` beside them is no source. */
export const volumeSourceFields: FieldTable = {
  awsElasticBlockStore: 'pass',
  azureDisk: 'pass',
  azureFile: 'translate',
  cephfs: 'translate',
  cinder: 'translate',
  configMap: 'translate',
  csi: 'translate',
  downwardAPI: 'translate',
  emptyDir: 'pass',
  ephemeral: 'translate',
  fc: 'pass',
  flexVolume: 'translate',
  flocker: 'pass',
  gcePersistentDisk: 'pass',
  gitRepo: { refuse: 'gitRepo volumes run git as root on the node; clone in an init container' },
  glusterfs: { refuse: 'glusterfs volumes were taken out of Kubernetes; use a claim' },
  hostPath: 'pass',
  image: 'pass',
  iscsi: 'translate',
  name: 'pass',
  nfs: 'pass',
  persistentVolumeClaim: 'pass',
  photonPersistentDisk: 'pass',
  portworxVolume: 'pass',
  projected: 'translate',
  quobyte: 'pass',
  rbd: 'translate',
  scaleIO: 'translate',
  secret: 'translate',
  storageos: 'translate',
  vsphereVolume: 'pass',
}

/** Sources inside a projected volume. */
export const projectionFields: FieldTable = {
  clusterTrustBundle: { refuse: "the nodes know only the super cluster's trust bundles; use a ConfigMap" },
  configMap: 'translate',
  downwardAPI: 'translate',
  podCertificate: { refuse: "the nodes can ask only the super cluster's signers; use a Secret" },
  secret: 'translate',
  serviceAccountToken: 'translate',
}

/** Volume sources that attach with the node's own credentials or network identity, which all tenants share: whoever knows an ID gets the disk. */
export const nodeCredentialVolumes: readonly string[] = [
  'awsElasticBlockStore',
  'azureDisk',
  'cinder',
  'fc',
  'flexVolume',
  'flocker',
  'gcePersistentDisk',
  'photonPersistentDisk',
  'portworxVolume',
  'quobyte',
  'vsphereVolume',
]

/** The first field of `object` that does not go down, with the reason. Fields without a value do not count. */
export const refusedField = (object: object, table: FieldTable): { readonly field: string; readonly why: string } | undefined => {
  for (const [field, value] of Object.entries(object)) {
    if (value === undefined || value === null || (Array.isArray(value) && value.length === 0)) continue
    const rule = Object.hasOwn(table, field) ? table[field] : undefined
    if (rule === undefined) return { field, why: 'this field is not known here' }
    if (typeof rule === 'object') return { field, why: rule.refuse }
  }
  return undefined
}

/** The fields of `object` that go down as they are. */
export const passingFields = (object: object, table: FieldTable): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(object).filter(
      ([field, value]) => value !== undefined && Object.hasOwn(table, field) && table[field] === 'pass',
    ),
  )
