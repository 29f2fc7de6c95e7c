import { superNamespace } from '../../src/tenancy/names.ts'
import { apply, listJson, superKubectl, type Thing, world } from '../support/kubectl.ts'
import { claimSpec, idle, namespace, pod, shell } from '../support/objects.ts'
import { waitFor } from '../support/wait.ts'
import type { Attack, AttackSet } from './attack.ts'
import { type Ground, shop } from './ground.ts'
import { loweredObject, refusedObject, remove, said, settled, type Written } from './ways.ts'

// What comes up from super and what only pretends to: volumes, classes, Nodes, status.
const evilClaim = (spec: object, annotations: object = {}): Written =>
  ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'evil', namespace: shop, annotations },
    spec: { ...claimSpec, ...spec },
  }) as Written
const refusedClaim = (name: string, make: () => Written, refusal: RegExp, first: readonly object[] = []): Attack => ({
  name,
  as: 'admin',
  attempt: async ({ attacker }) => {
    for (const object of first) await apply(attacker.kubectl, object)
    try {
      return await refusedObject(attacker, make())
    } finally {
      for (const object of first) await remove(attacker, object as Written)
    }
  },
  refusal,
})
const hostVolume = {
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name: 'evil' },
  spec: {
    capacity: { storage: '1Gi' },
    accessModes: ['ReadWriteOnce'],
    hostPath: { path: '/' },
    claimRef: { namespace: shop, name: 'evil' },
  },
}
const ownClass = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: 'evil' },
  provisioner: 'kubernetes.io/host-path',
  parameters: { path: '/' },
}
const evilPod = (spec: object): Written => pod(shop, 'evil', shell(idle), { ...spec }) as Written
const aNode = (): string => world().nodes[0]?.name ?? ''

/** What super's Node says of one thing, before and after an attack on the tenant's copy. */
const untouchedNode = async (
  attempt: () => Promise<unknown>,
  put: (node: Thing) => boolean,
  { attacker }: Ground,
): Promise<string> => {
  const read = (): Promise<string> =>
    superKubectl([
      'get',
      'node',
      aNode(),
      '-o',
      'jsonpath={.metadata.uid} {.metadata.labels} {.spec} {.status.addresses} {.status.capacity} {.status.daemonEndpoints}',
    ])
  const before = await read()
  await attempt()
  await settled(attacker, ['node', aNode()], put)
  return (await read()) === before ? "super's Node is what it was" : await read()
}
const untouched = /^super's Node is what it was$/
const patchNode = ({ attacker }: Ground, body: object, more: readonly string[] = []): Promise<string> =>
  attacker.kubectl(['patch', 'node', aNode(), '--type=merge', ...more, '-p', JSON.stringify(body)])

export const storageAttacks: AttackSet = {
  attacks: [
    refusedClaim(
      'a volume of its own that is the root of the node',
      () => evilClaim({ storageClassName: '', volumeName: 'evil' }),
      /volumeName|StorageClass|Volume/,
      [hostVolume],
    ),
    refusedClaim(
      'a volume that it did not make, by name',
      () => evilClaim({ storageClassName: 'standard', volumeName: 'pvc-0' }),
      /volumeName|StorageClass/,
    ),
    refusedClaim('volumes by their labels', () => evilClaim({ selector: { matchLabels: { a: 'b' } } }), /selector/),
    refusedClaim('a storage class of its own', () => evilClaim({ storageClassName: 'evil' }), /evil/, [ownClass]),
    {
      name: 'the data of a claim in another namespace',
      as: 'admin',
      attempt: ({ attacker }) => {
        const dataSourceRef = { kind: 'PersistentVolumeClaim', name: 'data', namespace: 'kube-system' }
        const namespaceOf = ({ spec }: Thing) =>
          (spec?.['dataSourceRef'] as { namespace?: string } | undefined)?.namespace ?? 'its own'
        return loweredObject(attacker, evilClaim({ dataSourceRef }), namespaceOf)
      },
      refusal: /^"its own"$|dataSource|DataSource/,
    },
    refusedClaim(
      'a volume filled by a controller of super',
      () => evilClaim({ dataSourceRef: { apiGroup: 'populator.example.com', kind: 'Disk', name: 'neighbour' } }),
      /dataSource|DataSource|StorageClassNeeded/,
    ),
    {
      name: "a binding of its own making, by the binder's annotations",
      as: 'admin',
      attempt: async ({ attacker }) => {
        const marks = { 'pv.kubernetes.io/bind-completed': 'yes', 'volume.kubernetes.io/selected-node': aNode() }
        return loweredObject(attacker, evilClaim({ volumeName: 'pvc-0' }, marks), ({ spec, metadata }) => [
          spec?.['volumeName'] === 'pvc-0',
          Object.keys(metadata.annotations ?? {}).filter((key) => Object.hasOwn(marks, key)).length > 0 &&
            metadata.annotations?.['volume.kubernetes.io/selected-node'] === 'forged',
        ])
      },
      refusal: /^\[false,false\]$|volumeName|StorageClass/,
    },
    {
      name: 'a runtime class of its own, with less around it',
      as: 'admin',
      attempt: async ({ attacker }) => {
        const own = { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: 'evil' }, handler: 'runc' }
        await apply(attacker.kubectl, own)
        try {
          return await refusedObject(attacker, evilPod({ runtimeClassName: 'evil' }))
        } finally {
          await remove(attacker, own)
        }
      },
      refusal: /evil/,
    },
    {
      name: 'a priority class of its own, above everybody',
      as: 'admin',
      attempt: async ({ attacker }) => {
        const own = {
          apiVersion: 'scheduling.k8s.io/v1',
          kind: 'PriorityClass',
          metadata: { name: 'evil' },
          value: 1_000_000_000,
        }
        await apply(attacker.kubectl, own)
        try {
          return await loweredObject(attacker, evilPod({ priorityClassName: 'evil' }), ({ spec }) => [
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
    {
      name: 'the address of a Node, so that the API server dials another machine',
      as: 'admin',
      attempt: (ground) =>
        untouchedNode(
          () =>
            patchNode(
              ground,
              {
                status: {
                  addresses: [{ type: 'InternalIP', address: '169.254.169.254' }],
                  daemonEndpoints: { kubeletEndpoint: { Port: 80 } },
                },
              },
              ['--subresource=status'],
            ),
          ({ status }) => !JSON.stringify(status?.['addresses']).includes('169.254'),
          ground,
        ),
      refusal: untouched,
    },
    {
      name: 'a Node of its own, in front of a kubelet',
      as: 'admin',
      attempt: async ({ attacker: { kubectl } }) => {
        await apply(kubectl, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'evil' } })
        const status = {
          addresses: [{ type: 'InternalIP', address: world().nodes[0]?.ip }],
          daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
        }
        await said(kubectl(['patch', 'node', 'evil', '--type=merge', '--subresource=status', '-p', JSON.stringify({ status })]))
        const answer = await said(kubectl(['get', '--raw', '/api/v1/nodes/evil/proxy/pods'], { timeoutMs: 60_000 }))
        await kubectl(['delete', 'node', 'evil', '--ignore-not-found'])
        const inSuper = await superKubectl(['get', 'node', 'evil', '--ignore-not-found', '-o', 'name'])
        return `${answer}\n${inSuper || 'none in super'}`
      },
      refusal: /(error|not found|Unauthorized|unable|unavailable|refused|unknown)[\s\S]*none in super$/i,
    },
    {
      name: "super's machine for its pods alone, by taint and cordon",
      as: 'admin',
      attempt: async (ground) => {
        const { kubectl } = ground.attacker
        const done = await untouchedNode(
          () => kubectl(['taint', 'node', aNode(), 'evil=yes:NoExecute']).then(() => kubectl(['cordon', aNode()])),
          () => true,
          ground,
        )
        await kubectl(['uncordon', aNode()])
        await kubectl(['taint', 'node', aNode(), 'evil-'])
        await waitFor('its own pods to be back', async () => {
          const pods = await listJson(kubectl, ['pods', '-n', shop])
          return pods.length === 2 || (await apply(kubectl, pod(shop, 'box', shell(idle)))) !== ''
        })
        return done
      },
      refusal: untouched,
    },
    {
      name: 'capacity that no machine has',
      as: 'admin',
      attempt: (ground) =>
        untouchedNode(
          () => patchNode(ground, { status: { capacity: { 'example.com/gold': '1k' } } }, ['--subresource=status']),
          () => true,
          ground,
        ),
      refusal: untouched,
    },
    {
      name: 'a Node deleted',
      as: 'admin',
      attempt: (ground) =>
        untouchedNode(
          () => ground.attacker.kubectl(['delete', 'node', aNode(), '--wait=false']),
          ({ metadata }) => metadata.name === aNode(),
          ground,
        ),
      refusal: untouched,
    },
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
