import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { AppError, hasCode } from '../lib/errors.ts'
import { managedByBerth, managedByLabel } from '../tenancy/marks.ts'
import { systemNamespace } from '../tenancy/names.ts'
import { fieldManager, systemNames } from './names.ts'
import type { KeyPair } from './pki/issue.ts'
import { type AgentAuthorities, keepLeaf, newAuthority } from './pki/keys.ts'

interface SystemDeps {
  /** Of the cluster that the keys lie in. */
  readonly kube: KubeClient
  readonly signal: AbortSignal
  readonly now: () => Date
}

const text = (base64: string | undefined): string => Buffer.from(base64 ?? '', 'base64').toString('utf8')
const metadata = (name: string) => ({ name, namespace: systemNamespace, labels: { [managedByLabel]: managedByBerth } })

const tlsSecret = (name: string, { cert, key }: KeyPair): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: metadata(name),
  type: 'kubernetes.io/tls',
  data: { 'tls.crt': Buffer.from(cert).toString('base64'), 'tls.key': Buffer.from(key).toString('base64') },
})

/** The pair in a TLS Secret of Berth's namespace, or undefined when there is no such Secret. */
export const readPair = async (
  name: string,
  { kube, signal }: Pick<SystemDeps, 'kube' | 'signal'>,
): Promise<KeyPair | undefined> => {
  const secret = await kube.get(resourceTypes.secrets, { name, namespace: systemNamespace }, { signal })
  return secret && { cert: text(secret.data?.['tls.crt']), key: text(secret.data?.['tls.key']) }
}

/** An authority of Berth's own: made once. */
const keepAuthority = async (name: string, deps: SystemDeps): Promise<KeyPair> => {
  const found = await readPair(name, deps)
  if (found?.cert && found.key) return found
  if (found) {
    throw new AppError(
      'CERTIFICATE_INVALID',
      `Secret ${systemNamespace}/${name} lacks tls.crt or tls.key: restore it, or delete it to accept a new one`,
      {},
    )
  }
  const made = await newAuthority(name, deps.now())
  try {
    await deps.kube.create(resourceTypes.secrets, tlsSecret(name, made), { signal: deps.signal })
    return made
  } catch (error) {
    // Another manager was quicker: its authority counts.
    const other = hasCode(error, 'KUBE_ALREADY_EXISTS', 'KUBE_CONFLICT') ? await readPair(name, deps) : undefined
    if (other) return other
    throw error
  }
}

const keepServing = async (
  name: string,
  authority: KeyPair,
  leaf: { readonly commonName: string; readonly names: readonly string[] },
  deps: SystemDeps,
): Promise<KeyPair> => {
  const issued = (await readPair(name, deps)) ?? {}
  const kept = await keepLeaf({
    authority,
    issued,
    now: deps.now(),
    subject: { commonName: leaf.commonName },
    usages: ['server'],
    names: leaf.names,
  })
  if (kept.cert !== ('cert' in issued ? issued.cert : undefined)) {
    await deps.kube.apply(resourceTypes.secrets, tlsSecret(name, kept), { fieldManager, force: true, signal: deps.signal })
  }
  return kept
}

/** The authorities between tenants' API servers and vn-agent, in management. */
export const keepAgentAuthorities = async (deps: SystemDeps): Promise<AgentAuthorities & { readonly serving: KeyPair }> => {
  const client = await keepAuthority(systemNames.agentAuthority, deps)
  const serving = await keepAuthority(systemNames.agentServingAuthority, deps)
  return { client, servingCert: serving.cert, serving }
}

/** Annotation on what a management cluster keeps in a super cluster apart: UID of its namespace kube-system. */
const ownerAnnotation = 'berth.dev/management'

/**
 * vn-agent's copy, in super, of the authority that it checks clients with: without its key. `owner`: management, where that is another cluster. Throws
 * SUPER_OBJECT_FOREIGN when super is another one's.
 */
export const publishAgentClientCa = async (
  { client }: Pick<AgentAuthorities, 'client'>,
  { owner, ...deps }: SystemDeps & { readonly owner?: string | undefined },
): Promise<void> => {
  const { agentClientCa: name } = systemNames
  const published = await deps.kube.get(resourceTypes.configMaps, { name, namespace: systemNamespace }, { signal: deps.signal })
  const other = published?.metadata.annotations?.[ownerAnnotation]
  if (owner !== undefined && other !== undefined && other !== owner) {
    const message = `this super cluster is served by the Berth of another management cluster (${other}): check the kubeconfig of super, or delete ConfigMap ${systemNamespace}/${name} there to take it over`
    throw new AppError('SUPER_OBJECT_FOREIGN', message, {})
  }
  if (published?.data?.['ca.crt'] === client.cert && other === owner) return
  const marked = { ...metadata(name), ...(owner !== undefined && { annotations: { [ownerAnnotation]: owner } }) }
  const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: marked, data: { 'ca.crt': client.cert } }
  await deps.kube.apply(resourceTypes.configMaps, configMap, { fieldManager, force: true, signal: deps.signal })
}

/** InternalIPs of nodes, in order. */
export const nodeAddresses = (nodes: readonly KubeObject[]): string[] =>
  [
    ...new Set(
      nodes.flatMap((node) =>
        ((node.status?.addresses ?? []) as { type: string; address: string }[])
          .filter(({ type }) => type === 'InternalIP')
          .map(({ address }) => address),
      ),
    ),
  ].sort()

/** vn-agent's serving certificate: one for all nodes, by their addresses; issued again when nodes come. */
export const keepAgentServing = async (serving: KeyPair, addresses: readonly string[], deps: SystemDeps): Promise<void> => {
  if (addresses.length === 0) return
  await keepServing(systemNames.agentServing, serving, { commonName: 'berth-vn-agent', names: addresses }, deps)
}

/** The authority and certificate of the manager's admission webhook. */
export const keepWebhookKeys = async (deps: SystemDeps): Promise<{ readonly authority: KeyPair; readonly serving: KeyPair }> => {
  const authority = await keepAuthority(systemNames.webhookAuthority, deps)
  const service = `${systemNames.webhookService}.${systemNamespace}.svc`
  const names = [service, `${service}.cluster.local`, 'localhost', '127.0.0.1']
  return { authority, serving: await keepServing(systemNames.webhookServing, authority, { commonName: service, names }, deps) }
}
