import { tenantLabel } from '../../src/tenancy/marks.ts'
import { namespaceLabelKey, superNamespace } from '../../src/tenancy/names.ts'
import { apply, getJson, superKubectl, type Thing, world } from '../support/kubectl.ts'
import { service } from '../support/objects.ts'
import { waitFor } from '../support/wait.ts'
import type { Attack, AttackSet } from './attack.ts'
import { type Ground, shop } from './ground.ts'
import { outgoing, superApiAddress } from './outgoing.ts'
import { inBox, loweredObject, refusedObject, said, type Written } from './ways.ts'

// Services, endpoints, Ingresses, webhooks and aggregated APIs: to draw or send traffic where the attacker has no business.
type Made = Written | Promise<Written>
const refused = (name: string, make: (evil: string) => Made, refusal: RegExp): Attack => ({
  name,
  as: 'admin',
  attempt: async ({ attacker }, evil) => refusedObject(attacker, await make(evil)),
  refusal,
})
const evilService = (name: string, spec: object): Written => service(shop, name, spec) as Written
const slice = (name: string, addressType: string, ...addresses: readonly string[]): Written & object =>
  ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace: shop, labels: { 'kubernetes.io/service-name': 'web' } },
    addressType,
    endpoints: [{ addresses }],
    ports: [{ port: 8080, protocol: 'TCP' }],
  }) as Written
/** An address of super's networks that is no pod's of this tenant: it is left out of what super gets, and the tenant is told. */
const leftOut = (name: string, address: (ground: Ground) => string | Promise<string>): Attack => ({
  name,
  as: 'admin',
  attempt: async (ground, evil) => {
    const target = await address(ground)
    const lowered = await loweredObject(
      ground.attacker,
      slice(evil, 'IPv4', target),
      (superSlice) => (superSlice as { endpoints?: unknown }).endpoints ?? [],
    )
    return lowered.includes(target) && lowered.startsWith('[') ? 'it went down to super' : lowered
  },
  refusal: /^\[\]$|EndpointAddress/,
})
const ingress = (name: string, host: string, path = '/', annotations: object = {}): Written =>
  ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name, namespace: shop, annotations },
    spec: {
      ingressClassName: 'attacks',
      rules: [
        {
          host,
          http: {
            paths: [{ path, pathType: 'ImplementationSpecific', backend: { service: { name: 'web', port: { number: 80 } } } }],
          },
        },
      ],
    },
  }) as Written
const addressOf = async ({ neighbour }: Ground): Promise<string> =>
  neighbour.kubectl(['get', 'service', 'web', '-n', shop, '-o', 'jsonpath={.spec.clusterIP}'])

/** A ServiceCIDR of the tenant's own, and a Service with an address of it. */
const ownRange = (name: string, address: (ground: Ground) => Promise<string>): Attack => ({
  name,
  as: 'admin',
  attempt: async (ground, evil) => {
    const { attacker } = ground
    const clusterIP = await address(ground)
    // One that is in use goes when its last Service does, later than its Service here.
    const rangeName = `evil-${clusterIP.replaceAll('.', '-')}`
    const cidr = `${clusterIP.split('.').slice(0, 3).join('.')}.0/24`
    const range = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'ServiceCIDR',
      metadata: { name: rangeName },
      spec: { cidrs: [cidr] },
    }
    const answer = await said(apply(attacker.kubectl, range))
    try {
      return `${answer}\n${await refusedObject(attacker, evilService(evil, { clusterIP }))}`
    } finally {
      await attacker.kubectl(['delete', 'servicecidr', rangeName, '--ignore-not-found', '--wait=false'])
    }
  },
  refusal: /outside|not in the range|not a valid|[Rr]eserved|refus/,
})

export const serviceAttacks: AttackSet = {
  attacks: [
    refused('an external address', (evil) => evilService(evil, { externalIPs: ['203.0.113.7'] }), /externalIPs/),
    refused(
      "the address of super's API as an external one",
      async (evil) => evilService(evil, { externalIPs: [await superApiAddress()] }),
      /externalIPs/,
    ),
    refused(
      'the address of a load balancer',
      (evil) => evilService(evil, { type: 'LoadBalancer', loadBalancerIP: '203.0.113.7' }),
      /loadBalancerIP/,
    ),
    ownRange("an address of super's own, by a range of its own", superApiAddress),
    ownRange("the neighbour's address, by a range of its own", addressOf),
    refused('endpoints on the node itself', (evil) => slice(evil, 'IPv4', '127.0.0.1'), /loopback|127/),
    refused("endpoints at the cloud's metadata", (evil) => slice(evil, 'IPv4', '169.254.169.254'), /link-?[lL]ocal|169\.254/),
    refused(
      "endpoints at the cloud's metadata, by IPv6",
      (evil) => slice(evil, 'IPv6', 'fd00:ec2::254'),
      /fd00:ec2|not allowed|metadata/,
    ),
    refused('endpoints on the link', (evil) => slice(evil, 'IPv6', 'fe80::1'), /link-?[lL]ocal|fe80/),
    leftOut("endpoints that are the neighbour's pod", ({ neighbourPodIp }) => neighbourPodIp),
    leftOut('endpoints that are a node', () => world().nodes[0]?.ip ?? ''),
    leftOut("endpoints that are super's API", superApiAddress),
    leftOut("endpoints that are the neighbour's Service", addressOf),
    {
      name: "Endpoints of the old kind that are the neighbour's pod",
      as: 'admin',
      attempt: async ({ attacker, neighbourPodIp }) => {
        const { kubectl } = attacker
        const endpoints = {
          apiVersion: 'v1',
          kind: 'Endpoints',
          metadata: { name: 'mirrored', namespace: shop },
          subsets: [{ addresses: [{ ip: neighbourPodIp }], ports: [{ name: 'http', port: 8080 }] }],
        }
        await apply(kubectl, service(shop, 'mirrored', { selector: null }), endpoints)
        try {
          return await waitFor(
            'what comes of it',
            async () => {
              const slices = await superKubectl([
                'get',
                'endpointslices',
                '-n',
                superNamespace(attacker, shop),
                '-l',
                'kubernetes.io/service-name=mirrored',
                '-o',
                'json',
              ])
              if (slices.includes(neighbourPodIp)) return 'it went down to super'
              const events = await kubectl([
                'get',
                'events',
                '-n',
                shop,
                '-o',
                'jsonpath={range .items[*]}{.reason}: {.message}{"\\n"}{end}',
              ])
              return events.split('\n').find((line) => line.startsWith('EndpointAddress'))
            },
            { deadlineMs: 30_000 },
          )
        } finally {
          await kubectl(['delete', 'service,endpoints', 'mirrored', '-n', shop, '--ignore-not-found'])
        }
      },
      refusal: /^EndpointAddress/,
    },
    {
      name: "another name for the neighbour's Service",
      as: 'admin',
      attempt: async (ground, evil) => {
        const { attacker, neighbour } = ground
        const target = `web.${superNamespace(neighbour, shop)}.svc.cluster.local`
        await apply(
          attacker.kubectl,
          evilService(evil, { type: 'ExternalName', externalName: target, selector: null, ports: null }),
        )
        const down = await superKubectl([
          'get',
          'service',
          evil,
          '-n',
          superNamespace(attacker, shop),
          '--ignore-not-found',
          '-o',
          'name',
        ])
        const answer = await inBox(attacker, `wget -q -O- http://${evil}:80/hostname`)
        await attacker.kubectl(['delete', 'service', evil, '-n', shop])
        return `${down || 'none in super'}; ${answer}`
      },
      refusal: /^none in super; .*exit [1-9]/s,
    },
    {
      name: "a node port that is the neighbour's",
      as: 'admin',
      attempt: async ({ attacker, neighbour }, evil) => {
        await apply(neighbour.kubectl, service(shop, 'door', { type: 'NodePort', selector: { app: 'web' } }))
        const port = await neighbour.kubectl(['get', 'service', 'door', '-n', shop, '-o', 'jsonpath={.spec.ports[0].nodePort}'])
        const wanted = { type: 'NodePort', ports: [{ port: 80, targetPort: 8080, nodePort: Number(port) }] }
        const below = async (): Promise<string> => {
          const found = await superKubectl([
            'get',
            'service',
            'door',
            '-n',
            superNamespace(neighbour, shop),
            '--ignore-not-found',
            '-o',
            'jsonpath={.spec.ports[0].nodePort}',
          ])
          return found
        }
        await waitFor("the neighbour's port in super", below)
        const ours = await loweredObject(
          attacker,
          evilService(evil, wanted),
          ({ spec }) => (spec?.['ports'] as { nodePort: number }[] | undefined)?.[0]?.nodePort,
        )
        const kept = await below()
        await neighbour.kubectl(['delete', 'service', 'door', '-n', shop])
        await waitFor('the door to be gone', async () => (await below()) === '')
        return ours !== port && kept === port ? 'another port' : `attacker ${ours}, neighbour ${kept} of ${port}`
      },
      refusal: /^another port$/,
    },
    {
      name: 'labels by which super’s operators would take a Service for one of theirs',
      as: 'admin',
      attempt: ({ attacker }, evil) => {
        const object = evilService(evil, {})
        const labels = {
          'app.kubernetes.io/managed-by': 'berth',
          'argocd.argoproj.io/instance': 'platform',
        }
        return loweredObject(attacker, { ...object, metadata: { ...object.metadata, labels } } as Written, ({ metadata }) =>
          Object.keys(labels).filter((key) => metadata.labels?.[key] !== undefined),
        )
      },
      refusal: /^\[\]$|label/,
    },
    refused(
      'the words of an Ingress controller',
      (evil) => ingress(evil, 'evil.example.com', '/', { 'nginx.ingress.kubernetes.io/configuration-snippet': 'return 200;' }),
      /[Aa]nnotation/,
    ),
    refused('a path that ends a directive', (evil) => ingress(evil, 'evil.example.com', '/x{};lua'), /[Pp]ath/),
    refused("the neighbour's host", (evil) => ingress(evil, 'neighbour.example.com'), /[Hh]ost/),
    refused("a wildcard over the neighbour's host", (evil) => ingress(evil, '*.example.com'), /[Hh]ost/),
    {
      name: 'all namespaces, in a policy: its own and no other',
      as: 'admin',
      attempt: ({ attacker }, evil) =>
        loweredObject(
          attacker,
          {
            apiVersion: 'networking.k8s.io/v1',
            kind: 'NetworkPolicy',
            metadata: { name: evil, namespace: shop },
            spec: { podSelector: {}, policyTypes: ['Egress'], egress: [{ to: [{ namespaceSelector: {} }] }] },
          } as Written,
          ({ spec }) => (JSON.stringify(spec).includes(attacker.uid) ? 'its own' : JSON.stringify(spec)),
        ),
      refusal: /^"its own"$/,
    },
    {
      name: "the neighbour's namespace, in a policy, by its label in super",
      as: 'admin',
      attempt: ({ attacker, neighbour }, evil) => {
        const matchLabels = { [namespaceLabelKey('kubernetes.io/metadata.name')]: shop, [tenantLabel]: neighbour.uid }
        const object = {
          apiVersion: 'networking.k8s.io/v1',
          kind: 'NetworkPolicy',
          metadata: { name: evil, namespace: shop },
          spec: { podSelector: {}, policyTypes: ['Egress'], egress: [{ to: [{ namespaceSelector: { matchLabels } }] }] },
        } as Written
        return loweredObject(attacker, object, ({ spec }) => [
          JSON.stringify(spec).includes(`"${tenantLabel}":"${attacker.uid}"`),
          JSON.stringify(spec).includes(`"${tenantLabel}":"${neighbour.uid}"`),
        ])
      },
      refusal: /^\[true,false\]$|berth\.dev/,
    },
    ...outgoing,
  ],

  prepare: async ({ attacker, neighbour }) => {
    await apply(superKubectl, {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IngressClass',
      metadata: { name: 'attacks' },
      spec: { controller: 'example.com/none' },
    })
    const claimed = ingress('web', 'neighbour.example.com')
    for (const { kubectl } of [attacker, neighbour])
      await waitFor('the class of Ingresses', () =>
        said(kubectl(['get', 'ingressclass', 'attacks', '-o', 'name'])).then((text) => text.includes('attacks')),
      )
    await apply(neighbour.kubectl, claimed)
    await waitFor(
      "the neighbour's Ingress in super",
      async () =>
        (await getJson<{ items: Thing[] }>(superKubectl, ['ingresses', '-n', superNamespace(neighbour, shop)])).items.length ===
        1,
    )
  },
  cleanUp: () => superKubectl(['delete', 'ingressclass', 'attacks', '--ignore-not-found']),
}
