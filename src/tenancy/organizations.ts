import type { KubeObject } from '../apis/kube-object.ts'
import { organizationLabel } from './marks.ts'

/** True for a namespace that is an organisation of the API: its label says its own name. */
export const isOrganization = ({ metadata }: KubeObject): boolean =>
  metadata.name !== undefined && metadata.labels?.[organizationLabel] === metadata.name
