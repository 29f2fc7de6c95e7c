import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { KubeClient } from '../../kube/client.ts'
import { AppError } from '../../lib/errors.ts'
import { managedByBerth, managedByLabel } from '../../tenancy/marks.ts'
import { systemNamespace } from '../../tenancy/names.ts'
import type { InstallValues } from './values.ts'

export type Side = InstallValues['side']

/** Label on all that `berth install` applies: which side of Berth it is of. What is labelled so and no more part of Berth goes. */
export const installLabel = 'berth.dev/install'
/** Field manager of `berth install`, and of installations by this project's own scripts before it. */
export const installManager = 'berth-install'

const releaseAnnotation = 'meta.helm.sh/release-name'
const releaseNamespaceAnnotation = 'meta.helm.sh/release-namespace'

/** True for what an installation of Berth made, by whatever tool; false for what only has the name. The name of a definition has our group: nobody else's has. */
export const isOurs = ({ kind, metadata: { labels = {} } }: KubeObject): boolean =>
  kind === 'CustomResourceDefinition' || labels[managedByLabel] === managedByBerth || labels[installLabel] !== undefined

/** Throws INSTALL_REFUSED where Helm holds the installation, as each would undo what the other did. */
export const refuseHelm = async (client: KubeClient, signal: AbortSignal, instead: string): Promise<void> => {
  const namespace = await client.get(resourceTypes.namespaces, { name: systemNamespace }, { signal })
  const { [managedByLabel]: holder } = namespace?.metadata.labels ?? {}
  if (holder !== 'Helm') return
  const { [releaseAnnotation]: release = 'berth', [releaseNamespaceAnnotation]: place = 'default' } =
    namespace?.metadata.annotations ?? {}
  throw new AppError(
    'INSTALL_REFUSED',
    `Berth is installed here by Helm, release ${release} in namespace ${place}; use helm ${instead} ${release} -n ${place}`,
    { release },
  )
}

/** Throws INSTALL_REFUSED where another side of Berth is installed: most of it would go. */
export const refuseOtherSide = async (client: KubeClient, side: Side, signal: AbortSignal): Promise<void> => {
  const namespace = await client.get(resourceTypes.namespaces, { name: systemNamespace }, { signal })
  const installed = namespace?.metadata.labels?.[installLabel]
  if (installed === undefined || installed === side) return
  throw new AppError(
    'INSTALL_REFUSED',
    `Berth is installed here with --side ${installed}, not ${side}; say --side ${installed}`,
    {
      installed,
      side,
    },
  )
}
