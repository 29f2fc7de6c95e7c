import { apiServerAddress, dataStoreAddress } from '../tenancy/slices.ts'
import { componentNames } from './names.ts'

/** Where a control plane is, for all who come to it in management. */
export interface PlanePlace {
  /** Its namespace in management. */
  readonly namespace: string
  /** The tenant's first IPv4 slice, of super's Service range. */
  readonly slice: string
  /** Management is another cluster than super: addresses of the slice lead nowhere there, and names of Services are used instead. */
  readonly isApart?: boolean
}

const hostOf = ({ namespace, isApart }: PlanePlace, service: string, address: string): string =>
  isApart ? `${service}.${namespace}.svc` : address

/** URL of a tenant's API server, for all who are in management. */
export const tenantEndpoint = (place: PlanePlace): string =>
  `https://${hostOf(place, componentNames.kubeApiServer, apiServerAddress(place.slice))}:443`

/** Host of a tenant's API server in `tenantEndpoint`. */
export const tenantHost = (place: PlanePlace): string =>
  hostOf(place, componentNames.kubeApiServer, apiServerAddress(place.slice))

/** URL of a tenant's API server, for all who are in super: its slice's first address, wherever the control plane runs. */
export const superEndpoint = (slice: string): string => `https://${apiServerAddress(slice)}:443`

/** URL of a tenant's own etcd, for its API server and whoever saves or copies it. */
export const storeEndpoint = (place: PlanePlace, port: number): string =>
  `https://${hostOf(place, componentNames.etcd, dataStoreAddress(place.slice))}:${port}`
