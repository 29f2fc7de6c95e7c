import { familyOf } from '../../tenancy/ip-ranges.ts'
import { newAddresses, type SlicesOfBoth } from './addresses.ts'
import { type LoopbackEtcd, registry, type Write } from './loopback-etcd.ts'
import {
  addressesOfService,
  callsOut,
  clonedClaim,
  clonedPod,
  clonedSecret,
  clonedService,
  definitions,
  isRootCa,
  leftOut,
  quietDefinition,
  type SecretKeys,
  withoutStatus,
} from './rules.ts'

/** What makes the data of one tenant those of another. */
export interface RemapOrder {
  /** Undefined: they stay those of the same tenant, and only its Secrets are encrypted with another key. */
  readonly slices: SlicesOfBoth | undefined
  readonly keys: SecretKeys
  /** They are only looked at, and nobody is called for that. */
  readonly isDrill?: boolean
}

/** What there is after it. */
export interface RemapResult {
  /** Keys that are left. */
  readonly objects: number
  readonly secrets: number
  readonly services: number
}

/** In one transaction: etcd takes 128 operations, and 1.5 MiB of which one value alone may be nearly all. */
const mostWrites = 100
const mostBytes = 256 * 1024

/** What is put off until there is enough of it. */
const inBatches = (etcd: LoopbackEtcd) => {
  let writes: Write[] = []
  let bytes = 0
  const flush = async (): Promise<void> => {
    const due = writes
    writes = []
    bytes = 0
    await etcd.write(due)
  }
  return {
    flush,
    add: async (write: Write): Promise<void> => {
      const size = write.value?.length ?? 0
      if (writes.length >= mostWrites || bytes + size > mostBytes) await flush()
      writes.push(write)
      bytes += size
    },
  }
}

/** Gives everything under a prefix the value that a rule says; `undefined` takes it away. Returns how many there were. */
const rewrite = async (etcd: LoopbackEtcd, path: string, rule: (stored: Buffer) => Buffer | undefined): Promise<number> => {
  const batch = inBatches(etcd)
  let count = 0
  for await (const { key, value } of etcd.all(`${registry}${path}`)) {
    count += 1
    const next = rule(value)
    if (!next?.equals(value)) await batch.add({ key, value: next })
  }
  await batch.flush()
  return count
}

/** Prefixes end in a slash; all else is one key. */
const leaveOut = async (etcd: LoopbackEtcd): Promise<void> => {
  for (const path of leftOut) await (path.endsWith('/') ? etcd.removeAll(path) : etcd.write([{ key: path, value: undefined }]))
  const batch = inBatches(etcd)
  for await (const key of etcd.keys(`${registry}configmaps/`)) if (isRootCa(key)) await batch.add({ key, value: undefined })
  await batch.flush()
}

const services = 'services/specs/'
/** Its slice is where the address of its API server is, for snapshots that do not say it. */
const kubernetesService = `${registry}${services}default/kubernetes`

const addressesInUse = async (etcd: LoopbackEtcd): Promise<{ all: readonly string[]; apiServer: string | undefined }> => {
  const all: string[] = []
  let apiServer: string | undefined
  for await (const { key, value } of etcd.all(`${registry}${services}`)) {
    const addresses = addressesOfService(value)
    if (key === kubernetesService) apiServer = addresses[0]
    else all.push(...addresses)
  }
  return { all, apiServer }
}

/** The /24 that an API server's address is the first one of: what a slice is when nobody asked for another. */
const usualSlice = (apiServer: string | undefined): readonly string[] =>
  apiServer !== undefined && familyOf(apiServer) === 'IPv4' && apiServer.endsWith('.1') ? [`${apiServer.slice(0, -1)}0/24`] : []

const remapTenant = async (etcd: LoopbackEtcd, { from, to }: SlicesOfBoth): Promise<number> => {
  const { all, apiServer } = await addressesInUse(etcd)
  const addresses = newAddresses(all, { from: from.length > 0 ? from : usualSlice(apiServer), to })
  await leaveOut(etcd)
  await rewrite(etcd, 'pods/', clonedPod)
  await rewrite(etcd, 'persistentvolumeclaims/', clonedClaim)
  await rewrite(etcd, 'ingress/', withoutStatus)
  return rewrite(etcd, services, (stored) => clonedService(stored, addresses))
}

/**
 * Makes the data of one tenant, in an etcd that nobody else uses, those of another: its own addresses, key, nodes, volumes and names to come. What it cannot read
 * it throws on, and the data are to be thrown away then; it is not done twice on the same data.
 */
export const remap = async (etcd: LoopbackEtcd, { slices, keys, isDrill = false }: RemapOrder): Promise<RemapResult> => {
  await etcd.ready(60_000)
  const serviceCount = slices ? await remapTenant(etcd, slices) : await etcd.count(`${registry}${services}`)
  if (isDrill) {
    for (const path of callsOut) await etcd.removeAll(path)
    await rewrite(etcd, definitions, quietDefinition)
  }
  const secrets = await rewrite(etcd, 'secrets/', (stored) => clonedSecret(stored, keys))
  return { objects: await etcd.count(registry), secrets, services: serviceCount }
}
