import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { hasCode } from '../../lib/errors.ts'
import { tenantLabel } from '../../tenancy/marks.ts'
import { superNamespace, tenantIdentity, tokenSecretName } from '../../tenancy/names.ts'
import { type Bench, failed, passed, unknown, type Verdict } from '../check.ts'
import { type FoundCredential, findingsIn, type Texts } from '../credentials/found.ts'
import { ownObjectsOf } from '../credentials/own-objects.ts'
import { placeOf, statusOf } from '../credentials/trial.ts'
import { type Way, waysInto } from '../credentials/ways.ts'
import { compliantPod } from '../specimens.ts'
import { within } from '../wait.ts'

const tokenType = 'kubernetes.io/service-account-token'
/** How many names a line has room for. */
const most = 5
const { pods, secrets, configMaps, services } = resourceTypes

/** What was seen, by names alone: contents are never told. */
interface Findings {
  readonly held: Set<string>
  readonly unseen: Set<string>
  /** Objects whose contents were looked at, and those that are known by their names only. */
  readonly read: Set<string>
  readonly byName: Set<string>
}
type SuperSide = NonNullable<Bench['superSide']>

const listText = (of: Iterable<string>): string => {
  const all = [...of]
  return `${all.slice(0, most).join('; ')}${all.length > most ? ` and ${all.length - most} more` : ''}`
}

const textsOf = ({ kind, data, stringData, binaryData }: KubeObject): Texts => {
  const decode = (of: Texts = {}): Texts =>
    Object.fromEntries(Object.entries(of).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]))
  return kind === 'Secret' ? decode(data) : { ...data, ...stringData, ...decode(binaryData) }
}

/** Hosts, with ports, under which super's and management's API servers are known. */
const superHosts = async ({ management, signal }: Bench, superSide: SuperSide): Promise<ReadonlySet<string>> => {
  const hosts = new Set([management.server, superSide.client.server].map((server) => new URL(server).host))
  for (const client of [management, superSide.client]) {
    const service = await client.get(services, { name: 'kubernetes', namespace: 'default' }, { signal })
    for (const address of (service?.spec?.clusterIPs ?? []) as readonly string[])
      hosts.add(new URL(`https://${address.includes(':') ? `[${address}]` : address}`).host)
  }
  return hosts
}

/** Its name from within a pod. */
const inCluster = /^kubernetes(\.default(\.svc(\..+)?)?)?$/

const isSuper = (server: string, hosts: ReadonlySet<string>): boolean => {
  const url = URL.parse(server)
  return url !== null && (hosts.has(url.host) || inCluster.test(url.hostname))
}

/** Shows each to super's API server: 401 is what it should say. */
const tryThere = async (
  credentials: readonly FoundCredential[],
  { where, superSide, bench }: { readonly where: string; readonly superSide: SuperSide; readonly bench: Bench },
  { held, unseen }: Findings,
): Promise<void> => {
  for (const { key, credential } of credentials) {
    const status = await statusOf({ ...placeOf(superSide.connection), ...credential }, bench)
    if (status === 200) held.add(`${where} has in ${key} what super's API server takes`)
    else if (status !== 401) unseen.add(`super's API server answers ${status} to what ${where} has in ${key}`)
  }
}

/** Undefined: it may not be read. */
const readable = async (
  kind: 'Secret' | 'ConfigMap',
  name: string,
  { management, controlPlaneNamespace: namespace, signal }: Bench,
): Promise<KubeObject | 'none' | undefined> => {
  try {
    const found = await management.get<KubeObject>(kind === 'Secret' ? secrets : configMaps, { name, namespace }, { signal })
    return found ? { ...found, kind } : 'none'
  } catch (error) {
    if (!hasCode(error, 'KUBE_FORBIDDEN')) throw error
    return undefined
  }
}

type ObjectWay = Extract<Way, { readonly name: string }>

interface Look {
  readonly bench: Bench
  readonly superSide: SuperSide
  readonly hosts: ReadonlySet<string>
  readonly findings: Findings
}

const lookAtTexts = async (texts: Texts, where: string, { bench, superSide, hosts, findings }: Look): Promise<void> => {
  const { servers, credentials } = findingsIn(texts)
  for (const { key, server } of servers)
    if (isSuper(server, hosts)) findings.held.add(`${where} has in ${key} a kubeconfig of super`)
  await tryThere(credentials, { where, superSide, bench }, findings)
}

const lookAtObject = async ({ kind, name }: ObjectWay, pod: KubeObject, look: Look): Promise<void> => {
  const { held, unseen, read, byName } = look.findings
  const where = `${kind} ${name}`
  if (read.has(where)) return
  const object = await readable(kind, name, look.bench)
  if (object === undefined) {
    if (ownObjectsOf(pod).includes(where)) byName.add(where)
    else unseen.add(`${where} of pod ${pod.metadata.name}, which may not be read`)
    return
  }
  read.add(where)
  if (object === 'none') return
  if (object['type'] === tokenType) held.add(`${where} is a token of a ServiceAccount`)
  await lookAtTexts(textsOf(object), where, look)
}

/** A pod that serves the tenant: all that comes into it. */
const lookAtServer = async (pod: KubeObject, look: Look): Promise<void> => {
  const at = `pod ${pod.metadata.name}`
  for (const way of waysInto(pod)) {
    if (way.kind === 'credential') look.findings.held.add(`${at} has ${way.what}`)
    else if (way.kind === 'hidden') look.findings.unseen.add(`${way.what} of ${at}`)
    else if (way.kind === 'text') await lookAtTexts({ [way.what]: way.text }, at, look)
    else await lookAtObject(way, pod, look)
  }
}

/** A pod of the tenant in super: what the tenant wrote into its Secrets is its own, what super gives is not. */
const lookAtWorkloads = async (items: readonly KubeObject[], look: Look): Promise<void> => {
  const { held } = look.findings
  const identity = look.superSide.client.as(tenantIdentity(look.bench.tenant.uid))
  const used = new Map<string, Set<string>>()
  for (const pod of items) {
    const { name = '', namespace = '' } = pod.metadata
    for (const way of waysInto(pod)) {
      if (way.kind === 'credential') held.add(`pod ${namespace}/${name} has ${way.what}`)
      if (way.kind === 'Secret') used.set(namespace, (used.get(namespace) ?? new Set()).add(way.name))
    }
  }
  for (const [namespace, names] of used) {
    const list = { namespace, fieldSelector: `type=${tokenType}`, metadataOnly: true, signal: look.bench.signal }
    for (const { metadata } of (await identity.list(secrets, list)).items)
      if (names.has(metadata.name ?? '')) held.add(`Secret ${namespace}/${metadata.name} of pods is a token of super`)
  }
}

/** A real pod that asks for a token: what it gets is the tenant's, taken there and not by super. Undefined: so it is. */
const tokenOfPod = async ({ bench, superSide, findings }: Look): Promise<string | undefined> => {
  const { user, tenant, namespace, image, settings, waitMs, signal, adminConnection } = bench
  const wanted = compliantPod({ name: 'credential', namespace, image, args: ['pause'], pullAlways: settings.pods.pullAlways })
  const volumes = [{ name: 'token', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } }]
  const pod = { ...wanted, spec: { ...wanted.spec, serviceAccountName: 'default', volumes } }
  const { metadata } = await user.create<KubeObject>(pods, pod, { signal })
  const below = superNamespace(tenant, namespace)
  const identity = superSide.client.as(tenantIdentity(tenant.uid))
  const fieldSelector = `metadata.name=${tokenSecretName('credential', metadata.uid ?? '')}`
  const made = await within(
    async () => {
      const superPod = await superSide.client.get(pods, { name: 'credential', namespace: below }, { signal })
      const { items } = await identity.list(secrets, { namespace: below, fieldSelector, signal })
      return superPod && items[0] && { superPod, secret: items[0] }
    },
    { waitMs, signal },
  )
  if (!made) return 'a pod that asks for a token did not come into super with one: is the syncer up?'
  await lookAtWorkloads([made.superPod], { bench, superSide, hosts: new Set(), findings })
  const { credentials } = findingsIn(textsOf({ ...made.secret, kind: 'Secret' }))
  if (credentials.length === 0) return 'the pod that asks for a token got none'
  for (const { credential } of credentials) {
    const own = await statusOf({ ...placeOf(adminConnection), ...credential }, bench)
    if (own !== 200) return `the token that a pod gets does not work in its own tenant either: ${own}`
  }
  await tryThere(credentials, { where: 'the Secret with the token of a pod', superSide, bench }, findings)
  return undefined
}

/** A pod that a tenant can get into, or that serves it, must hold no way into super. */
export const noSuperCredential = async (bench: Bench): Promise<Verdict> => {
  const { management, controlPlaneNamespace, superSide, tenant, signal } = bench
  if (!superSide) return unknown('where super is was not said: --super-kubeconfig')
  const { items: servers } = await management.list(pods, { namespace: controlPlaneNamespace, signal })
  if (servers.length === 0) return unknown('no pod of the control plane is to be seen')
  // Without credentials it answers 401, or 403 to the anonymous: then a 401 to those that are found says something.
  const open = await statusOf(placeOf(superSide.connection), bench)
  if (typeof open === 'string') return unknown(`the API server of super does not answer: ${open}`)
  const findings: Findings = { held: new Set(), unseen: new Set(), read: new Set(), byName: new Set() }
  const look: Look = { bench, superSide, hosts: await superHosts(bench, superSide), findings }
  for (const pod of servers) await lookAtServer(pod, look)
  const labelSelector = `${tenantLabel}=${tenant.uid}`
  const { items: workloads } = await superSide.client.list(pods, { labelSelector, signal })
  await lookAtWorkloads(workloads, look)
  const { held, unseen, read, byName } = findings
  // What has been found is told, also where the rest cannot be tried.
  const why = held.size > 0 ? undefined : await tokenOfPod(look)
  const saw = [
    `${servers.length} pods of the control plane`,
    `${read.size} Secrets and ConfigMaps of theirs read`,
    ...(byName.size > 0 ? [`${byName.size} known by name only (${listText(byName)})`] : []),
    `${workloads.length} pods of the tenant`,
  ].join(', ')
  const evidence = [{ layer: 'super', saw }] as const
  if (held.size > 0) return failed(`a credential of super is to be had: ${listText(held)}`, evidence)
  if (unseen.size > 0) return unknown(`not known of ${listText(unseen)}`, evidence)
  if (why !== undefined) return unknown(why, evidence)
  return passed(`no credential of super: ${saw}`, evidence)
}
