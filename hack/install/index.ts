import { join } from 'node:path'
import { berthImage } from '../berth-image.ts'
import { type LocalCluster, loadImages } from '../cluster/index.ts'
import { type Kubectl, kubectlFor } from '../cluster/kubectl.ts'
import { namespaceReport } from '../diagnosis.ts'
import type { ImageArchive } from '../images/oci-image.ts'
import { type Progress, silent } from '../progress.ts'
import { parseManifests, printManifests, type Rendered, stampImage, workloadsOf } from './stamp.ts'

const manifestsDir = join(import.meta.dirname, '../../manifests')

/** Which part of Berth: all of it, or one side of two clusters. */
export type Side = 'base' | 'apart/management' | 'apart/super' | 'options/api' | 'options/isolation-verify'
export const systemNamespace = 'berth-system'

const apply = async (kubectl: Kubectl, objects: readonly Rendered[]): Promise<string[]> => {
  // The super side of two clusters has no definitions.
  if (objects.length === 0) return []
  const output = await kubectl(['apply', '--server-side', '--force-conflicts', '--field-manager=berth-install', '--filename=-'], {
    input: printManifests(objects),
  })
  return output.split('\n').filter(Boolean)
}

const rollout = async (kubectl: Kubectl, { kind, metadata }: Rendered, progress: Progress): Promise<void> => {
  const namespace = metadata.namespace ?? systemNamespace
  progress(`${kind} ${metadata.name} starting`)
  const deadlineMs = 120_000
  await kubectl(['rollout', 'status', `${kind}/${metadata.name}`, '-n', namespace, `--timeout=${deadlineMs / 1000}s`], {
    timeoutMs: deadlineMs + 10_000,
  }).catch(async (error: unknown) => {
    throw new Error(`${kind} ${metadata.name} did not start.\n${await namespaceReport(kubectl, namespace)}`, { cause: error })
  })
}

/** Renders the manifests for one image content, applies it and waits until all its pods run it. On a cluster that has it this changes nothing. */
export const applyBerth = async (
  kubectl: Kubectl,
  image: ImageArchive,
  {
    side = 'base',
    manifests = manifestsDir,
    progress,
  }: { readonly side?: Side; readonly manifests?: string; readonly progress: Progress },
): Promise<void> => {
  const rendered = parseManifests(await kubectl(['kustomize', join(manifests, side)]))
  const objects = image.names.reduce((all, name) => stampImage(all, name, image.digest), rendered)
  const definitions = objects.filter(({ kind }) => kind === 'CustomResourceDefinition')
  progress(`applying manifests/${side}`)
  await apply(kubectl, definitions)
  for (const { metadata } of definitions)
    await kubectl(['wait', '--for=condition=Established', `crd/${metadata.name}`, '--timeout=30s'])
  await apply(kubectl, objects)
  await Promise.all(workloadsOf(objects).map((workload) => rollout(kubectl, workload, progress)))
}

/** Builds Berth's image from the sources as they are, puts it on the nodes and installs Berth as pods. */
export const installBerth = async (cluster: LocalCluster, progress: Progress = silent): Promise<void> => {
  const image = await berthImage(progress)
  await loadImages(cluster, [image])
  await applyBerth(kubectlFor(cluster.binaries.kubectl, cluster.kubeconfigPath), image, { progress })
}
