import { readFile } from 'node:fs/promises'
import { parseAllDocuments } from 'yaml'
import type { KubeObject } from '../../apis/kube-object.ts'
import { fillHoles } from './fill.ts'
import { holes } from './holes.ts'
import type { InstallValues } from './values.ts'

/** When the objects of a file belong to an installation. */
export interface Condition {
  /** For the chart: the same condition on its values. */
  readonly template: string
  readonly holds: (values: InstallValues) => boolean
}

const notSuper: Condition = { template: 'ne .Values.side "super"', holds: ({ side }) => side !== 'super' }
const notManagement: Condition = { template: 'ne .Values.side "management"', holds: ({ side }) => side !== 'management' }
const superApart: Condition = { template: 'eq .Values.side "super"', holds: ({ side }) => side === 'super' }
const always: Condition = { template: 'true', holds: () => true }
const definitions: Condition = {
  template: 'and .Values.crds.install (ne .Values.side "super")',
  holds: ({ side, crds }) => crds.install && side !== 'super',
}
const viaKubelet: Condition = {
  template: 'and (eq .Values.vnAgent.via "kubelet") (ne .Values.side "management")',
  holds: ({ side, vnAgent }) => vnAgent.via === 'kubelet' && side !== 'management',
}

const withApi: Condition = {
  template: 'and .Values.api.enabled (ne .Values.side "super")',
  holds: ({ side, api }) => api.enabled && side !== 'super',
}

const withIsolationVerify: Condition = {
  template: 'and .Values.isolationVerify.enabled (eq .Values.side "both")',
  holds: ({ side, isolationVerify }) => isolationVerify.enabled && side === 'both',
}

/** A file of `manifests/`, in the order in which it is applied. */
export interface ManifestFile {
  readonly path: string
  readonly when: Condition
}

export const manifestFiles: readonly ManifestFile[] = [
  { path: 'crds/tenantcontrolplanes.berth.dev.yaml', when: definitions },
  { path: 'crds/tenantclasses.berth.dev.yaml', when: definitions },
  { path: 'crds/controlplanesnapshots.berth.dev.yaml', when: definitions },
  { path: 'crds/datastores.berth.dev.yaml', when: definitions },
  { path: 'parts/accounts/accounts.yaml', when: always },
  { path: 'parts/super/namespaces.yaml', when: notManagement },
  { path: 'parts/super/network-probe.yaml', when: notManagement },
  { path: 'parts/super/tenant-role.yaml', when: notManagement },
  { path: 'parts/super/fairness.yaml', when: notManagement },
  { path: 'parts/super/manager-rights.yaml', when: notManagement },
  // What holds the account back is there before its rights.
  { path: 'parts/super/admission-syncer.yaml', when: notManagement },
  { path: 'parts/super/syncer-rights.yaml', when: notManagement },
  { path: 'parts/super/admission-namespaces.yaml', when: notManagement },
  { path: 'parts/super/admission-pods.yaml', when: notManagement },
  { path: 'parts/super/admission-objects.yaml', when: notManagement },
  { path: 'apart/super/tokens.yaml', when: superApart },
  { path: 'apart/super/door-rights.yaml', when: superApart },
  { path: 'options/vn-agent-kubelet/role.yaml', when: viaKubelet },
  { path: 'parts/management/manager.yaml', when: notSuper },
  { path: 'parts/management/webhook.yaml', when: notSuper },
  { path: 'parts/management/syncer.yaml', when: notSuper },
  { path: 'parts/super/vn-agent.yaml', when: notManagement },
  { path: 'options/api/rights.yaml', when: withApi },
  { path: 'options/api/usage-rights.yaml', when: withApi },
  { path: 'options/api/api.yaml', when: withApi },
  { path: 'options/api/worker-rights.yaml', when: withApi },
  { path: 'options/api/worker.yaml', when: withApi },
  // What holds the account back is there before its rights.
  { path: 'options/isolation-verify/admission.yaml', when: withIsolationVerify },
  { path: 'options/isolation-verify/rights.yaml', when: withIsolationVerify },
]

/** The manifests lie beside `src` in the sources and beside `dist` in the package and the image. */
const manifestsFolder = new URL('../../../manifests/', import.meta.url)

/** The objects of one file, as they are written; of YAML 1.1, as kubectl reads it: `0440` is octal. */
export const readManifest = async ({ path }: Pick<ManifestFile, 'path'>): Promise<KubeObject[]> =>
  parseAllDocuments(await readFile(new URL(path, manifestsFolder), 'utf8'), { version: '1.1' }).flatMap(
    (document) => (document.toJS() as KubeObject | null) ?? [],
  )

/** What an installation with these values consists of, in the order in which it is applied. */
export const objectsOf = async (values: InstallValues): Promise<KubeObject[]> => {
  const files = await Promise.all(manifestFiles.filter(({ when }) => when.holds(values)).map(readManifest))
  return files.flat().map((object) => fillHoles(object, holes, ({ source }) => source.of(values)))
}

/** Everything that any installation may consist of. */
export const allObjects = async (): Promise<KubeObject[]> => (await Promise.all(manifestFiles.map(readManifest))).flat()
