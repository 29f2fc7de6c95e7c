import type { KubeObject } from '../../../apis/kube-object.ts'
import { apiServerAdmissionConfig, componentNames } from '../../names.ts'
import { admissionFolder } from '../keys-volume.ts'
import { metadataOf, type Plane } from '../plane.ts'
import { toldPolicies } from './policies.ts'

/** Not `.yaml`: an API server takes every such file of the folder for a policy. */
const configurationFile = 'admission.conf'
/** A list in one file: all of it comes into force at once. JSON, as it is made anew in each round. */
export const policiesFile = 'policies.json'

/** What an API server reads at its start: that it finds policies in a folder, which it looks at again each minute. */
const configuration = {
  apiVersion: 'apiserver.config.k8s.io/v1',
  kind: 'AdmissionConfiguration',
  plugins: [
    {
      name: 'ValidatingAdmissionPolicy',
      configuration: {
        apiVersion: 'apiserver.config.k8s.io/v1',
        kind: 'ValidatingAdmissionPolicyConfiguration',
        staticManifestsDir: admissionFolder,
      },
    },
  ],
}

/** The gate of policies as files: alpha and off in 1.36, beta and on in 1.37, with the same code in both. */
export const admissionGate = 'ManifestBasedAdmissionControlConfig'

/** Flags with which an API server reads the files. A gate that a spec sets beside it is taken too: the binaries add them up. */
export const admissionFlags: readonly string[] = [
  `--feature-gates=${admissionGate}=true`,
  `--admission-control-config-file=${admissionFolder}/${configurationFile}`,
]

/** The ConfigMap with the files. A change of the policies starts nothing anew. */
export const admissionFiles = (plane: Plane): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: metadataOf(plane, apiServerAdmissionConfig, componentNames.kubeApiServer),
  data: {
    [configurationFile]: JSON.stringify(configuration, null, 2),
    [policiesFile]: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: toldPolicies(plane.spec) }),
  },
})

/** How the container finds them. */
export const admissionMount = { name: 'admission', mountPath: admissionFolder, readOnly: true } as const
export const admissionVolume = { name: 'admission', configMap: { name: apiServerAdmissionConfig } } as const
