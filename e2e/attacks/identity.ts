import {
  tenantLabel,
  tenantNameAnnotation,
  tenantNamespaceAnnotation,
  tenantObjectUidAnnotation,
} from '../../src/tenancy/marks.ts'
import { superNamespace } from '../../src/tenancy/names.ts'
import { apply, superKubectl } from '../support/kubectl.ts'
import { configMap, idle, namespace, pod, secret, service, shell } from '../support/objects.ts'
import type { Tenant } from '../support/tenant.ts'
import { waitFor } from '../support/wait.ts'
import type { Attack, AttackSet } from './attack.ts'
import { credentials } from './credentials.ts'
import { type Ground, shop } from './ground.ts'
import { loweredObject, refusedObject, remove, said, type Written } from './ways.ts'

// Names, marks and credentials: to be taken for another tenant.
const forged = ({ neighbour }: Ground): { labels: Record<string, string>; annotations: Record<string, string> } => ({
  labels: { [tenantLabel]: neighbour.uid, app: 'web' },
  annotations: { [tenantNamespaceAnnotation]: shop, [tenantNameAnnotation]: 'web', [tenantObjectUidAnnotation]: neighbour.uid },
})

const evilPod = (name: string, more: Record<string, unknown> = {}): Written => pod(shop, name, shell(idle), more) as Written

const marks: readonly Attack[] = [
  {
    name: "the neighbour's mark on a pod",
    as: 'admin',
    attempt: (ground, evil) =>
      loweredObject(ground.attacker, evilPod(evil, forged(ground)), ({ metadata }) => [
        metadata.labels?.[tenantLabel] === ground.attacker.uid,
        metadata.annotations?.[tenantNameAnnotation] === evil,
        JSON.stringify(metadata).includes(ground.neighbour.uid),
      ]),
    // The neighbour's UID may be there as a value for the downward API, never as a mark.
    refusal: /^\[true,true,(true|false)\]$/,
  },
  {
    name: "the neighbour's marks on a Service",
    as: 'admin',
    attempt: (ground, evil) => {
      const object = service(shop, evil) as Written
      const marked = { ...object, metadata: { ...object.metadata, ...forged(ground) } }
      return loweredObject(ground.attacker, marked, ({ metadata }) => [
        metadata.labels?.[tenantLabel] === ground.attacker.uid,
        metadata.annotations?.[tenantNameAnnotation] === evil,
        metadata.annotations?.[tenantObjectUidAnnotation] === ground.neighbour.uid,
      ])
    },
    refusal: /^\[true,true,false\]$/,
  },
  {
    name: "Berth's own mark of what it manages",
    as: 'admin',
    attempt: ({ attacker }, evil) =>
      loweredObject(
        attacker,
        evilPod(evil, { labels: { 'berth.dev/open-ingress': 'true', 'berth.dev/control-plane': 'x' } }),
        ({ metadata }) => [metadata.labels?.['berth.dev/control-plane'] ?? 'none'],
      ),
    refusal: /^\["none"\]$/,
  },
  {
    name: 'an owner that is the neighbour, for its collector to delete by',
    as: 'admin',
    attempt: (ground, evil) => {
      const owner = {
        apiVersion: 'v1',
        kind: 'Pod',
        name: 'web',
        uid: ground.neighbour.uid,
        controller: false,
        blockOwnerDeletion: true,
      }
      const object = configMap(shop, evil, { a: 'b' }) as Written
      const mounted = evilPod(evil, { volumes: [{ name: 'c', configMap: { name: evil } }] })
      return apply(ground.attacker.kubectl, { ...object, metadata: { ...object.metadata, ownerReferences: [owner] } }).then(() =>
        loweredObject(
          ground.attacker,
          mounted,
          ({ metadata }) => (metadata as { ownerReferences?: unknown }).ownerReferences ?? 'none',
        ),
      )
    },
    refusal: /^"none"$/,
  },
  {
    name: 'a finalizer that would hold the object in super',
    as: 'admin',
    attempt: async ({ attacker }, evil) => {
      const object = evilPod(evil)
      const held = { ...object, metadata: { ...object.metadata, finalizers: ['example.com/never'] } }
      try {
        return await loweredObject(attacker, held, ({ metadata }) => (metadata as { finalizers?: unknown }).finalizers ?? 'none')
      } finally {
        await attacker.kubectl(['patch', 'pod', evil, '-n', shop, '--type=merge', '-p', '{"metadata":{"finalizers":null}}'])
      }
    },
    refusal: /^"none"$/,
  },
  {
    name: 'a namespace that asks super to check nothing',
    as: 'admin',
    attempt: async ({ attacker }, evil) => {
      const keys = [
        'pod-security.kubernetes.io/enforce=privileged',
        `${tenantLabel}=x`,
        'kubernetes.io/metadata.name=berth-system',
      ]
      await said(attacker.kubectl(['label', 'namespace', shop, '--overwrite', ...keys.slice(0, 2)]))
      const privileged = await refusedObject(attacker, evilPod(evil, { hostPID: true }))
      const label = await superKubectl(['get', 'namespace', superNamespace(attacker, shop), '-o', 'jsonpath={.metadata.labels}'])
      await attacker.kubectl(['label', 'namespace', shop, 'pod-security.kubernetes.io/enforce-', `${tenantLabel}-`])
      return `${label} ${privileged}`
    },
    refusal: /"pod-security\.kubernetes\.io\/enforce":"baseline".*hostPID/s,
  },
]

const ownNamespace = async (attacker: Tenant, name: string): Promise<string> => {
  await apply(attacker.kubectl, namespace(name))
  const own = superNamespace(attacker, name)
  await waitFor(`a namespace in super for ${name}`, () =>
    superKubectl(['get', 'namespace', own, '--ignore-not-found', '-o', 'name']),
  )
  const uid = await superKubectl([
    'get',
    'namespace',
    own,
    '-o',
    `jsonpath={.metadata.labels['${tenantLabel.replaceAll('.', '\\.')}']}`,
  ])
  if (!['kube-system', 'default'].includes(name)) await attacker.kubectl(['delete', 'namespace', name, '--wait=false'])
  return uid === attacker.uid ? 'its own namespace' : `a namespace of ${uid}`
}

const names: readonly Attack[] = [
  {
    name: "a namespace that is called like the neighbour's in super",
    as: 'admin',
    attempt: ({ attacker, neighbour }) => ownNamespace(attacker, superNamespace(neighbour, shop)),
    refusal: /^its own namespace$/,
  },
  {
    name: 'a namespace that is called like that of Berth',
    as: 'admin',
    attempt: ({ attacker }) => ownNamespace(attacker, 'berth-system'),
    refusal: /^its own namespace$/,
  },
  {
    name: "a namespace that is called like that of the neighbour's keys",
    as: 'admin',
    attempt: ({ attacker, neighbour }) => ownNamespace(attacker, neighbour.controlPlaneNamespace),
    refusal: /^its own namespace$/,
  },
  {
    name: 'two namespaces whose names are the same as far as they are readable',
    as: 'admin',
    attempt: async ({ attacker }) => {
      const long = 'a'.repeat(50)
      const said = await Promise.all([ownNamespace(attacker, `${long}-x`), ownNamespace(attacker, `${long}-y`)])
      return superNamespace(attacker, `${long}-x`) === superNamespace(attacker, `${long}-y`) ? 'one namespace' : said.join(', ')
    },
    refusal: /^its own namespace, its own namespace$/,
  },
  {
    name: "super's root certificate in a pod replaced by another",
    as: 'admin',
    attempt: async ({ attacker }) => {
      await said(
        attacker.kubectl([
          'patch',
          'configmap',
          'kube-root-ca.crt',
          '-n',
          shop,
          '--type=merge',
          '-p',
          '{"data":{"ca.crt":"evil"}}',
        ]),
      )
      return superKubectl([
        'get',
        'configmap',
        'kube-root-ca.crt',
        '-n',
        superNamespace(attacker, shop),
        '-o',
        'jsonpath={.data}',
      ])
    },
    refusal: /BEGIN CERTIFICATE/,
  },
  {
    name: "a Secret under the name of a pod's token",
    as: 'admin',
    attempt: async ({ attacker }, evil) => {
      const names = await superKubectl([
        'get',
        'secrets',
        '-n',
        superNamespace(attacker, shop),
        '-o',
        'jsonpath={.items[*].metadata.name}',
      ])
      const token = names.split(' ').find((name) => name.endsWith('.token.berth'))
      if (!token) throw new Error(`no token Secret in super: ${names}`)
      const before = await superKubectl(['get', 'secret', token, '-n', superNamespace(attacker, shop), '-o', 'jsonpath={.data}'])
      await apply(attacker.kubectl, secret(shop, token, { a: 'b' }))
      const mounts = evilPod(evil, { volumes: [{ name: 's', secret: { secretName: token } }] })
      await loweredObject(attacker, mounts, () => 'down')
      await remove(attacker, secret(shop, token, {}) as Written)
      const after = await superKubectl(['get', 'secret', token, '-n', superNamespace(attacker, shop), '-o', 'jsonpath={.data}'])
      return after === before ? 'the token is what it was' : 'the token is another'
    },
    refusal: /^the token is what it was$/,
  },
]

export const identityAttacks: AttackSet = { attacks: [...marks, ...names, ...credentials] }
