import { fieldRefFields, resourceRefFields } from './container-fields.ts'
import { drop, pass, passing, refuse, translate, typeTable } from './fields.ts'
import { labelSelectorFields } from './selector-fields.ts'

const bySuperName = 'found under the name that it has in the super'
const byNameTable = typeTable('LocalObjectReference', { name: translate(bySuperName) })
const secretRef = { secretRef: pass(byNameTable) }
const mounted = passing('fsType', 'readOnly')

const items = { items: pass(typeTable('KeyToPath', passing('key', 'mode', 'path', 'user'))) }
const downwardItems = {
  items: pass(
    typeTable(
      'DownwardAPIVolumeFile',
      { fieldRef: pass(fieldRefFields), resourceFieldRef: pass(resourceRefFields) },
      passing('mode', 'path', 'user'),
    ),
  ),
}
const defaults = passing('defaultMode', 'defaultUser')

/** Sources inside a projected volume. */
export const projectionFields = typeTable('VolumeProjection', {
  clusterTrustBundle: translate(
    'the bundles of the tenant that are meant, looked at again each 30 seconds',
    typeTable(
      'ClusterTrustBundleProjection',
      { labelSelector: pass(labelSelectorFields) },
      passing('name', 'optional', 'path', 'signerName', 'user'),
    ),
  ),
  configMap: pass(typeTable('ConfigMapProjection', { name: translate(bySuperName), ...items }, passing('optional'))),
  downwardAPI: pass(typeTable('DownwardAPIProjection', downwardItems)),
  podCertificate: translate(
    "a certificate that the tenant's signer issued for a PodCertificateRequest in the tenant, renewed when the signer says so",
    typeTable(
      'PodCertificateProjection',
      passing(
        'certificateChainPath',
        'credentialBundlePath',
        'keyPath',
        'keyType',
        'maxExpirationSeconds',
        'signerName',
        'user',
        'userAnnotations',
      ),
    ),
  ),
  secret: pass(typeTable('SecretProjection', { name: translate(bySuperName), ...items }, passing('optional'))),
  serviceAccountToken: translate(
    'a token of the tenant for this very pod, of this audience and life, renewed when 80 % of its life is over',
    typeTable('ServiceAccountTokenProjection', passing('audience', 'expirationSeconds', 'path', 'user')),
  ),
})

const nodeCredentials =
  "attached with the node's credentials or by its address: only in tenants of the Pod Security level `privileged`"
const notRestricted = 'not in tenants of the Pod Security level `restricted`'
const gone = (name: string): string => `${name} volumes were taken out of Kubernetes; use a claim`

const volumeRows = {
  awsElasticBlockStore: translate(
    nodeCredentials,
    typeTable('AWSElasticBlockStoreVolumeSource', mounted, passing('partition', 'volumeID')),
  ),
  azureDisk: translate(
    nodeCredentials,
    typeTable('AzureDiskVolumeSource', mounted, passing('cachingMode', 'diskName', 'diskURI', 'kind')),
  ),
  azureFile: translate(
    notRestricted,
    typeTable('AzureFileVolumeSource', { secretName: translate(bySuperName) }, passing('readOnly', 'shareName')),
  ),
  cephfs: translate(
    nodeCredentials,
    typeTable('CephFSVolumeSource', secretRef, passing('monitors', 'path', 'readOnly', 'secretFile', 'user')),
  ),
  cinder: translate(nodeCredentials, typeTable('CinderVolumeSource', secretRef, mounted, passing('volumeID'))),
  configMap: pass(typeTable('ConfigMapVolumeSource', { name: translate(bySuperName), ...items }, defaults, passing('optional'))),
  csi: translate(
    'only of drivers that `spec.sync.inlineCSIDrivers` names',
    typeTable('CSIVolumeSource', { nodePublishSecretRef: pass(byNameTable) }, mounted, passing('driver', 'volumeAttributes')),
  ),
  downwardAPI: pass(typeTable('DownwardAPIVolumeSource', downwardItems, defaults)),
  emptyDir: pass(typeTable('EmptyDirVolumeSource', passing('medium', 'mode', 'sizeLimit'))),
  ephemeral: translate(
    "the claim that the tenant's controllers make for it",
    typeTable('EphemeralVolumeSource', { volumeClaimTemplate: drop("the tenant's controllers have made the claim from it") }),
  ),
  fc: translate(nodeCredentials, typeTable('FCVolumeSource', mounted, passing('lun', 'targetWWNs', 'wwids'))),
  flexVolume: translate(nodeCredentials, typeTable('FlexVolumeSource', secretRef, mounted, passing('driver', 'options'))),
  flocker: translate(nodeCredentials, typeTable('FlockerVolumeSource', passing('datasetName', 'datasetUUID'))),
  gcePersistentDisk: translate(
    nodeCredentials,
    typeTable('GCEPersistentDiskVolumeSource', mounted, passing('partition', 'pdName')),
  ),
  gitRepo: refuse('gitRepo volumes run git as root on the node; clone in an init container'),
  glusterfs: refuse(gone('glusterfs')),
  hostPath: translate(
    'only in tenants of the Pod Security level `privileged`',
    typeTable('HostPathVolumeSource', passing('path', 'type')),
  ),
  image: pass(
    typeTable(
      'ImageVolumeSource',
      { pullPolicy: translate('Always, where `spec.isolation.pods.pullAlways` asks for it; Never: there the pod is refused') },
      passing('reference'),
    ),
  ),
  iscsi: translate(
    nodeCredentials,
    typeTable(
      'ISCSIVolumeSource',
      secretRef,
      mounted,
      passing('chapAuthDiscovery', 'chapAuthSession', 'initiatorName', 'iqn', 'iscsiInterface', 'lun', 'portals', 'targetPortal'),
    ),
  ),
  name: pass(),
  nfs: translate(nodeCredentials, typeTable('NFSVolumeSource', passing('path', 'readOnly', 'server'))),
  persistentVolumeClaim: pass(typeTable('PersistentVolumeClaimVolumeSource', passing('claimName', 'readOnly'))),
  photonPersistentDisk: translate(nodeCredentials, typeTable('PhotonPersistentDiskVolumeSource', passing('fsType', 'pdID'))),
  portworxVolume: translate(nodeCredentials, typeTable('PortworxVolumeSource', mounted, passing('volumeID'))),
  projected: pass(typeTable('ProjectedVolumeSource', { sources: pass(projectionFields) }, defaults)),
  quobyte: translate(
    nodeCredentials,
    typeTable('QuobyteVolumeSource', passing('group', 'readOnly', 'registry', 'tenant', 'user', 'volume')),
  ),
  rbd: translate(
    nodeCredentials,
    typeTable('RBDVolumeSource', secretRef, mounted, passing('image', 'keyring', 'monitors', 'pool', 'user')),
  ),
  scaleIO: translate(
    notRestricted,
    typeTable(
      'ScaleIOVolumeSource',
      secretRef,
      mounted,
      passing('gateway', 'protectionDomain', 'sslEnabled', 'storageMode', 'storagePool', 'system', 'volumeName'),
    ),
  ),
  secret: pass(typeTable('SecretVolumeSource', { secretName: translate(bySuperName), ...items }, defaults, passing('optional'))),
  storageos: translate(
    notRestricted,
    typeTable('StorageOSVolumeSource', secretRef, mounted, passing('volumeName', 'volumeNamespace')),
  ),
  vsphereVolume: translate(
    nodeCredentials,
    typeTable('VsphereVirtualDiskVolumeSource', passing('fsType', 'storagePolicyID', 'storagePolicyName', 'volumePath')),
  ),
}

/** Volume sources, and the name beside them. */
export const volumeFields = typeTable('Volume', volumeRows)

/** Volume sources that attach with the node's own credentials or network identity, which all tenants share: whoever knows an ID gets the disk. */
export const nodeCredentialVolumes: readonly string[] = Object.entries(volumeRows).flatMap(([source, { how }]) =>
  how === nodeCredentials ? [source] : [],
)
