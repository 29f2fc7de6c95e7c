import { superNamespace } from '../../src/tenancy/names.ts'
import { apply, listJson, superKubectl, type Thing } from '../support/kubectl.ts'
import { claimSpec, idle, namespace, pod, shell } from '../support/objects.ts'
import { waitFor } from '../support/wait.ts'
import type { Attack, AttackSet } from './attack.ts'
import { shop } from './ground.ts'
import { aNode, nodeAttacks } from './nodes.ts'
import { loweredObject, refusedObject, remove, said, settled, type Written } from './ways.ts'

// What comes up from super and what only pretends to: volumes, classes, Nodes, status.
const evilClaim = (name: string, spec: object, annotations: object = {}): Written =>
  ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, namespace: shop, annotations },
    spec: { ...claimSpec, ...spec },
  }) as Written
/** `spec` and `first` are given the name that is the attempt's own. */
const refusedClaim = (
  name: string,
  spec: (evil: string) => object,
  refusal: RegExp,
  first?: (evil: string) => object,
): Attack => ({
  name,
  as: 'admin',
  attempt: async ({ attacker }, evil) => {
    if (first) await apply(attacker.kubectl, first(evil))
    try {
      return await refusedObject(attacker, evilClaim(evil, spec(evil)))
    } finally {
      if (first) await remove(attacker, first(evil) as Written)
    }
  },
  refusal,
})
const hostVolume = (name: string): object => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name },
  spec: {
    capacity: { storage: '1Gi' },
    accessModes: ['ReadWriteOnce'],
    hostPath: { path: '/' },
    claimRef: { namespace: shop, name },
  },
})
const ownClass = (name: string): object => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name },
  provisioner: 'kubernetes.io/host-path',
  parameters: { path: '/' },
})
/**
 * An annotation by which binder, scheduler and provisioner talk, on a claim that is good apart from it: it goes down to super, without. Nothing of super's own
 * writes the value while no pod uses the claim.
 */
const bindingAnnotation = (key: string, value: () => string): Attack => ({
  name: `a binding of its own making, by the annotation ${key}`,
  as: 'admin',
  attempt: ({ attacker }, evil) =>
    loweredObject(attacker, evilClaim(evil, {}, { [key]: value() }), ({ metadata: { name, annotations } }) =>
      annotations?.[key] === value() ? `super has it on ${name}` : `${name} went down without`,
    ),
  refusal: /^"evil-\w+ went down without"$/,
})
const evilPod = (name: string, spec: object): Written => pod(shop, name, shell(idle), { ...spec }) as Written
export const storageAttacks: AttackSet = {
  attacks: [
    refusedClaim(
      'a volume of its own that is the root of the node',
      (evil) => ({ storageClassName: '', volumeName: evil }),
      /volumeName|StorageClass|Volume/,
      hostVolume,
    ),
    refusedClaim(
      'a volume that it did not make, by name',
      () => ({ storageClassName: 'standard', volumeName: 'pvc-0' }),
      /volumeName|StorageClass/,
    ),
    refusedClaim('volumes by their labels', () => ({ selector: { matchLabels: { a: 'b' } } }), /selector/),
    refusedClaim('a storage class of its own', (evil) => ({ storageClassName: evil }), /evil-\w+ is not offered/, ownClass),
    {
      name: 'the data of a claim in another namespace',
      as: 'admin',
      attempt: ({ attacker }, evil) => {
        const dataSourceRef = { kind: 'PersistentVolumeClaim', name: 'data', namespace: 'kube-system' }
        const namespaceOf = ({ spec }: Thing) =>
          (spec?.['dataSourceRef'] as { namespace?: string } | undefined)?.namespace ?? 'its own'
        return loweredObject(attacker, evilClaim(evil, { dataSourceRef }), namespaceOf)
      },
      refusal: /^"its own"$|dataSource|DataSource/,
    },
    refusedClaim(
      'a volume filled by a controller of super',
      () => ({ dataSourceRef: { apiGroup: 'populator.example.com', kind: 'Disk', name: 'neighbour' } }),
      /dataSource|DataSource|StorageClassNeeded/,
    ),
    // To Kubernetes it says yes by being there at all; this value no binder writes.
    bindingAnnotation('pv.kubernetes.io/bind-completed', () => 'forged'),
    bindingAnnotation('pv.kubernetes.io/bound-by-controller', () => 'forged'),
    bindingAnnotation('volume.kubernetes.io/selected-node', aNode),
    {
      name: 'a volume that it did not make, on a claim that says it is bound',
      as: 'admin',
      attempt: ({ attacker }, evil) => {
        // With the annotation the syncer takes the name of the volume for its own word and does not refuse it.
        const claim = evilClaim(evil, { volumeName: 'pvc-0' }, { 'pv.kubernetes.io/bind-completed': 'yes' })
        return loweredObject(attacker, claim, ({ spec, metadata }) => [
          metadata.name === evil,
          spec?.['volumeName'] === 'pvc-0',
          Object.hasOwn(metadata.annotations ?? {}, 'pv.kubernetes.io/bind-completed'),
        ])
      },
      refusal: /^\[true,false,false\]$/,
    },
    {
      name: 'a runtime class of its own, with less around it',
      as: 'admin',
      attempt: async ({ attacker }, evil) => {
        const own = { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: evil }, handler: 'runc' }
        await apply(attacker.kubectl, own)
        try {
          return await refusedObject(attacker, evilPod(evil, { runtimeClassName: evil }))
        } finally {
          await remove(attacker, own)
        }
      },
      refusal: /may not use evil-\w+|RuntimeClass "evil-\w+" not found/,
    },
    {
      name: 'a priority class of its own, above everybody',
      as: 'admin',
      attempt: async ({ attacker }, evil) => {
        const own = {
          apiVersion: 'scheduling.k8s.io/v1',
          kind: 'PriorityClass',
          metadata: { name: evil },
          value: 1_000_000_000,
        }
        await apply(attacker.kubectl, own)
        try {
          return await loweredObject(attacker, evilPod(evil, { priorityClassName: evil }), ({ spec }) => [
            spec?.['priorityClassName'] ?? 'none',
            Number(spec?.['priority'] ?? 0) < 1_000_000_000,
          ])
        } finally {
          await remove(attacker, own)
        }
      },
      refusal: /^\["none",true\]$|[Pp]riority/,
    },
    {
      name: "the neighbour's volume, by an edit of a mirrored one",
      as: 'admin',
      attempt: async ({ attacker, neighbour }) => {
        const volumes = await listJson(attacker.kubectl, ['persistentvolumes'])
        const foreign = volumes.filter((volume) => JSON.stringify(volume).includes(superNamespace(neighbour, shop)))
        return `${foreign.length} foreign volumes to be seen`
      },
      refusal: /^0 foreign/,
    },
    ...nodeAttacks,
    {
      name: "a pod that says it has the neighbour's address",
      as: 'admin',
      attempt: async ({ attacker, neighbour, neighbourPodIp }) => {
        const { kubectl } = attacker
        await apply(kubectl, pod(shop, 'liar', shell(idle)))
        const status = {
          podIP: neighbourPodIp,
          podIPs: [{ ip: neighbourPodIp }],
          conditions: [{ type: 'Ready', status: 'True' }],
        }
        await said(
          kubectl(['patch', 'pod', 'liar', '-n', shop, '--subresource=status', '--type=merge', '-p', JSON.stringify({ status })]),
        )
        await settled(
          attacker,
          ['pod', 'liar', '-n', shop],
          (object) => object.status?.['podIP'] !== neighbourPodIp && object.status?.['podIP'] !== undefined,
        )
        const slices = await superKubectl(['get', 'endpointslices', '-n', superNamespace(attacker, shop), '-o', 'json'])
        await kubectl(['delete', 'pod', 'liar', '-n', shop, '--now', '--wait=false'])
        return slices.includes(neighbourPodIp)
          ? `super sends its traffic to ${neighbour.name}`
          : 'put right; super never believed it'
      },
      refusal: /super never believed it/,
    },
    {
      name: 'a load balancer’s address of its own choice, in the status',
      as: 'admin',
      attempt: async ({ attacker }) => {
        const status = { status: { loadBalancer: { ingress: [{ ip: '203.0.113.9' }] } } }
        const answer = await said(
          attacker.kubectl([
            'patch',
            'service',
            'web',
            '-n',
            shop,
            '--subresource=status',
            '--type=merge',
            '-p',
            JSON.stringify(status),
          ]),
        )
        const below = await superKubectl([
          'get',
          'service',
          'web',
          '-n',
          superNamespace(attacker, shop),
          '-o',
          'jsonpath={.status}',
        ])
        return `${answer}\n${below.includes('203.0.113.9') ? 'super says so too' : 'not in super'}`
      },
      refusal: /not in super$/,
    },
    {
      name: 'a namespace of the tenant deleted with its pods: nobody else’s',
      as: 'admin',
      attempt: async ({ attacker }) => {
        await apply(attacker.kubectl, namespace('gone'), pod('gone', 'web', shell(idle)))
        await attacker.kubectl(['delete', 'namespace', 'gone', '--timeout=90s'], { timeoutMs: 100_000 })
        return waitFor('its super namespace to go', async () =>
          (await superKubectl(['get', 'namespace', superNamespace(attacker, 'gone'), '--ignore-not-found', '-o', 'name'])) === ''
            ? 'gone'
            : undefined,
        )
      },
      refusal: /^gone$/,
    },
  ],
}
