/** How many objects are stored, by the folder of their kind. */
export type Counts = Readonly<Record<string, number>>

/** One kind as an API server lists it in its discovery. */
export interface ServedKind {
  /** Empty: the core group. */
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly namespaced: boolean
}

/** Groups of Kubernetes itself: their kinds lie in folders without the group, all others below it. */
const ownGroups = new Set([
  '',
  'admissionregistration.k8s.io',
  'apps',
  'autoscaling',
  'batch',
  'certificates.k8s.io',
  'coordination.k8s.io',
  'discovery.k8s.io',
  'flowcontrol.apiserver.k8s.io',
  'networking.k8s.io',
  'node.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'resource.k8s.io',
  'scheduling.k8s.io',
  'storage.k8s.io',
])

/** Folders that are not named by the plural (k8s.io/apiserver and pkg/kubeapiserver, default storage factory). */
const otherFolders: Readonly<Record<string, string>> = {
  services: 'services/specs',
  endpoints: 'services/endpoints',
  nodes: 'minions',
  ingresses: 'ingress',
  replicationcontrollers: 'controllers',
}

/** Kinds that come and go by themselves while an API server runs. */
const restless = new Set(['events', 'leases', 'ipaddresses', 'apiservices', 'componentstatuses'])

export const isRestless = ({ plural }: ServedKind): boolean => restless.has(plural)

/** The folder of a key below the registry: one name, or two of a group or of Services and their endpoints. */
export const folderOf = (path: string): string => {
  const [first = '', second = ''] = path.split('/', 2)
  return first === 'services' || first.includes('.') ? `${first}/${second}` : first
}

/** Where the objects of a kind lie. */
export const folderOfKind = ({ group, plural }: ServedKind): string =>
  ownGroups.has(group) ? (otherFolders[plural] ?? plural) : `${group}/${plural}`

/** The name that people know a kind by. */
export const nameOf = ({ group, plural }: ServedKind): string => (group === '' ? plural : `${plural}.${group}`)

/** What is missing of a kind: fewer objects are listed than were stored. An API server adds some of its own. */
export const missing = (kind: ServedKind, listed: number, stored: Counts): string | undefined => {
  const expected = stored[folderOfKind(kind)] ?? 0
  return listed < expected ? `${nameOf(kind)}: ${listed} of ${expected} objects are listed` : undefined
}
