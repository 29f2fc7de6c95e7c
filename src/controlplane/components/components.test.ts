import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import type { KubeObject } from '../../apis/kube-object.ts'
import { kubernetesVersions } from '../../apis/tenant-control-plane.ts'
import { ownObjectsOf } from '../../isolation/credentials/own-objects.ts'
import { waysInto } from '../../isolation/credentials/ways.ts'
import { aPlane } from '../../testing/plane-builders.ts'
import { etcd, membersConfig } from '../data-stores/etcd.ts'
import { quotaBytes } from '../data-stores/etcd-config.ts'
import { planOf } from '../data-stores/members.ts'
import { versions } from '../versions.ts'
import { coreDns, coreDnsConfig } from './core-dns.ts'
import { networkPolicies } from './isolation.ts'
import { apiServerService, kubeApiServer } from './kube-apiserver.ts'
import { kubeControllerManager } from './kube-controller-manager.ts'
import { notInForce } from './not-in-force.ts'
import { tenantRbac } from './tenant-rbac.ts'

const components = [etcd, kubeApiServer, kubeControllerManager]
const find = (objects: readonly KubeObject[], kind: string, name?: string): KubeObject => {
  const found = objects.find((object) => object.kind === kind && (name === undefined || object.metadata.name === name))
  if (!found) throw new Error(`no ${kind} ${name ?? ''}`)
  return found
}
const workloadOf = (objects: readonly KubeObject[]): KubeObject =>
  objects.find(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet') ?? find(objects, 'Deployment')
const podOf = (workload: KubeObject) => workload.spec.template.spec
const commandOf = (workload: KubeObject): string[] => podOf(workload).containers[0].command

test('there is a record for each version that a tenant may ask for, and no other', () => {
  expect(Object.keys(versions)).toEqual([...kubernetesVersions])
  for (const [version, record] of Object.entries(versions)) expect(record.version).toBe(version)
})

describe('every control-plane pod', () => {
  test.for(components.map((component) => [component.name, component] as const))(
    '%s is what the restricted Pod Security level takes',
    ([, component]) => {
      const pod = podOf(workloadOf(component.desired(aPlane())))
      expect(pod.automountServiceAccountToken).toBe(false)
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
      expect(pod.hostNetwork).toBeUndefined()
      for (const container of pod.containers) {
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        })
        expect(container.resources.requests).toMatchObject({ cpu: expect.any(String), memory: expect.any(String) })
      }
    },
  )

  test.for(components.map((component) => [component.name, component] as const))(
    '%s mounts one Secret, its own',
    ([name, component]) => {
      const secrets = podOf(workloadOf(component.desired(aPlane()))).volumes.flatMap(
        (volume: KubeObject) => volume.secret?.secretName ?? [],
      )
      expect(secrets).toEqual([`${name}-keys`])
    },
  )

  test.for(components.map((component) => [component.name, component] as const))(
    '%s has nothing but what the isolation checks know by its name',
    ([, component]) => {
      const { template } = workloadOf(component.desired(aPlane())).spec
      const ways = waysInto(template)
      expect(ways.filter(({ kind }) => kind === 'credential' || kind === 'hidden')).toEqual([])
      const objects = ways.flatMap((way) => ('name' in way ? [`${way.kind} ${way.name}`] : []))
      expect(ownObjectsOf(template)).toEqual(expect.arrayContaining(objects))
      expect(objects).not.toEqual([])
    },
  )

  const memoryOf = (workload: KubeObject): Record<string, string> => {
    const [container] = podOf(workload).containers
    const env: [string, string][] = container.env.map(({ name, value }: { name: string; value: string }) => [name, value])
    return { limit: container.resources.limits.memory, ...Object.fromEntries(env.filter(([name]) => name.startsWith('GO'))) }
  }

  test.for<[size: string, wanted: readonly object[]]>([
    [
      'small',
      [
        { limit: '512Mi', GOGC: '50', GOMEMLIMIT: '409MiB' },
        { limit: '1Gi', GOGC: '25', GOMEMLIMIT: '819MiB' },
        { limit: '512Mi', GOGC: '50', GOMEMLIMIT: '409MiB' },
      ],
    ],
    [
      'large',
      [
        { limit: '8Gi', GOGC: '100', GOMEMLIMIT: '6553MiB' },
        { limit: '8Gi', GOGC: '100', GOMEMLIMIT: '6553MiB' },
        { limit: '4Gi', GOGC: '100', GOMEMLIMIT: '3276MiB' },
      ],
    ],
  ])('of size %s collects garbage as its memory asks for: etcd, API server, controllers', ([size, wanted]) => {
    const plane = aPlane({ size })
    expect(components.map((component) => memoryOf(workloadOf(component.desired(plane))))).toEqual(wanted)
  })

  test('collects later when its tenant asks for more memory than the size has', () => {
    const asked = aPlane({ apiServer: { resources: { memory: '4Gi' } } })
    expect(memoryOf(workloadOf(kubeApiServer.desired(asked)))).toMatchObject({ limit: '4Gi', GOMEMLIMIT: '3276MiB' })
  })

  test('takes the place of its registry, and nothing else', () => {
    const images = components.map(
      (component) => podOf(workloadOf(component.desired(aPlane({}, { registry: 'mirror.local/k8s' })))).containers[0].image,
    )
    expect(images).toEqual([
      'mirror.local/k8s/etcd:3.7.3-0',
      'mirror.local/k8s/kube-apiserver:v1.37.1',
      'mirror.local/k8s/kube-controller-manager:v1.37.1',
    ])
  })

  test('is new when the roots of trust are', () => {
    const of = (hash: string) => {
      const rootsHashes = { etcd: 'h', 'kube-apiserver': hash, 'kube-controller-manager': 'h' }
      return components.map((component) => JSON.stringify(workloadOf(component.desired(aPlane({}, { rootsHashes })))))
    }
    const [before, after] = [of('a'), of('b')]
    expect(after.map((text, index) => text === before[index])).toEqual([true, false, true])
  })

  test('of an API server says who comes with which certificate while authorities are rotated, and at no other time', () => {
    const commandWith = (watchesClients: boolean) => commandOf(workloadOf(kubeApiServer.desired(aPlane({}, { watchesClients }))))
    expect(commandWith(true).filter((flag) => !commandWith(false).includes(flag))).toEqual([
      '--audit-policy-file=/etc/berth/keys/audit-policy.yaml',
      '--audit-log-path=-',
    ])
  })
})

describe('etcd', () => {
  const configs = (plane: ReturnType<typeof aPlane>): Record<string, Record<string, unknown>> =>
    Object.fromEntries(
      Object.entries((membersConfig(plane) as KubeObject & { data: Record<string, string> }).data).map(([name, text]) => [
        name,
        parse(text),
      ]),
    )
  const member = (ordinal: number, fields = {}) => ({ id: `${ordinal}`, ordinal, isStarted: true, isLearner: false, ...fields })

  test('of one member elects itself quickly and is reached before it is ready', () => {
    const objects = etcd.desired(aPlane())
    expect(configs(aPlane())['etcd-0.yaml']).toMatchObject({ 'election-timeout': 250, 'initial-cluster-state': 'new' })
    expect(find(objects, 'Service', 'etcd').spec).toMatchObject({ clusterIP: '10.96.4.255', publishNotReadyAddresses: true })
    expect(objects.some(({ kind }) => kind === 'PodDisruptionBudget')).toBe(false)
  })

  test('of three members names all of them, starts them together and lets one go at a time', () => {
    const plane = aPlane({ dataStore: { replicas: 3 } })
    const objects = etcd.desired(plane)
    expect(Object.keys(configs(plane))).toEqual(['etcd-0.yaml', 'etcd-1.yaml', 'etcd-2.yaml'])
    for (const config of Object.values(configs(plane))) {
      expect(config).toMatchObject({
        'initial-cluster':
          'etcd-0=https://etcd-0.etcd-peers:2380,etcd-1=https://etcd-1.etcd-peers:2380,etcd-2=https://etcd-2.etcd-peers:2380',
        'initial-cluster-state': 'new',
        'election-timeout': 1000,
      })
    }
    expect(workloadOf(objects).spec).toMatchObject({ replicas: 3, podManagementPolicy: 'Parallel' })
    expect(find(objects, 'Service', 'etcd').spec.publishNotReadyAddresses).toBe(false)
    expect(find(objects, 'PodDisruptionBudget').spec.maxUnavailable).toBe(1)
  })

  const inHands = (members: Parameters<typeof planOf>[0], isHeld: boolean, replicas = 3) =>
    aPlane({ dataStore: { replicas } }, { store: { members: planOf(members), isHeld } })

  test('that grows tells who comes of all others, and who is there of nobody', () => {
    const plane = inHands([member(0), member(1, { isStarted: false, isLearner: true })], true)
    expect(configs(plane)['etcd-1.yaml']).toMatchObject({
      'initial-cluster': 'etcd-0=https://etcd-0.etcd-peers:2380,etcd-1=https://etcd-1.etcd-peers:2380',
      'initial-cluster-state': 'existing',
    })
    // Emptied, it finds nobody and ends.
    expect(configs(plane)['etcd-0.yaml']).toMatchObject({
      'initial-cluster': 'etcd-0=https://etcd-0.etcd-peers:2380',
      'initial-cluster-state': 'existing',
    })
    expect(workloadOf(etcd.desired(plane)).spec.replicas).toBe(2)
  })

  test('is not rolled while its members change, and starts nothing anew for another number of them', () => {
    const all = [0, 1, 2].map((ordinal) => member(ordinal))
    const strategyOf = (plane: ReturnType<typeof aPlane>) => workloadOf(etcd.desired(plane)).spec.updateStrategy.type
    expect(strategyOf(inHands(all, true, 1))).toBe('OnDelete')
    expect(strategyOf(inHands(all, false))).toBe('RollingUpdate')
    const templates = [aPlane(), inHands(all.slice(0, 2), true), inHands(all, false), inHands([member(0)], false, 1)].map(
      (plane) => JSON.stringify(workloadOf(etcd.desired(plane)).spec.template),
    )
    expect(new Set(templates).size).toBe(1)
  })

  test.for<[name: string, storage: unknown, claims: unknown]>([
    [
      'a claim of the default class',
      { kind: 'claim' },
      [{ accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } } }],
    ],
    [
      'a claim of a class',
      { kind: 'claim', className: 'fast' },
      [{ accessModes: ['ReadWriteOnce'], storageClassName: 'fast', resources: { requests: { storage: '2Gi' } } }],
    ],
    ['a directory that goes with the pod', { kind: 'ephemeral' }, undefined],
  ])('keeps its data in %s', ([, storage, claims]) => {
    const workload = workloadOf(etcd.desired(aPlane({}, { storage })))
    expect(workload.spec.volumeClaimTemplates?.map((claim: KubeObject) => claim.spec)).toEqual(claims)
    expect(podOf(workload).volumes.some((volume: KubeObject) => volume.emptyDir)).toBe(claims === undefined)
  })

  test.for<[size: string, bytes: number]>([
    ['2Gi', Math.floor(0.8 * 2 ** 30)],
    ['1G', 0.4e9],
    ['100Gi', 8 * 2 ** 30],
  ])('with a disk of %s takes up to %d bytes', ([size, bytes]) => {
    expect(quotaBytes(size)).toBe(bytes)
  })
})

describe('kube-apiserver', () => {
  const flags = commandOf(workloadOf(kubeApiServer.desired(aPlane())))

  test.for([
    '--service-cluster-ip-range=10.96.4.0/24',
    '--etcd-servers=https://10.96.4.255:2379',
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    '--enable-aggregator-routing=true',
    '--authorization-mode=RBAC',
    '--advertise-address=$(POD_IP)',
  ])('runs with %s', (flag) => {
    expect(flags).toContain(flag)
  })

  test('gives out addresses of both families when the tenant has a slice of each', () => {
    const plane = aPlane({}, { ipv6Slice: 'fd00:96::100/120' })
    expect(commandOf(workloadOf(kubeApiServer.desired(plane)))).toContain(
      '--service-cluster-ip-range=10.96.4.0/24,fd00:96::100/120',
    )
  })

  test('says no word of anonymous access but in its configuration, which opens health paths only', () => {
    expect(flags.some((flag) => flag.startsWith('--anonymous-auth'))).toBe(false)
    expect(flags).toContain('--authentication-config=/etc/berth/keys/authentication.yaml')
  })

  test('reads what is told at admission from a ConfigMap of its own, whose change starts nothing anew', () => {
    const [lax, strict] = ['privileged', 'restricted'].map((profile) => kubeApiServer.desired(aPlane({ isolation: { profile } })))
    if (!lax || !strict) throw new Error('two planes')
    expect(workloadOf(lax)).toEqual(workloadOf(strict))
    const { name } = find(strict, 'ConfigMap').metadata
    const { containers, volumes } = podOf(workloadOf(strict))
    expect(volumes).toContainEqual({ name: 'admission', configMap: { name } })
    expect(containers[0].volumeMounts).toContainEqual({ name: 'admission', mountPath: '/etc/berth/admission', readOnly: true })
    expect(flags).toContain('--admission-control-config-file=/etc/berth/admission/admission.conf')
    const data = (objects: readonly KubeObject[]): Record<string, string> => find(objects, 'ConfigMap').data
    expect(Object.keys(data(lax))).toEqual(['admission.conf', 'policies.json'])
    expect(data(lax)['admission.conf']).toBe(data(strict)['admission.conf'])
    expect(data(lax)['policies.json']).not.toBe(data(strict)['policies.json'])
  })

  test('has the first address of the slice', () => {
    expect(apiServerService(aPlane()).spec).toMatchObject({
      clusterIP: '10.96.4.1',
      ports: [{ port: 443 }],
    })
  })

  test('gets requests before it is ready only at its very first start', () => {
    const published = (hasServed: boolean) => apiServerService(aPlane({}, { hasServed })).spec.publishNotReadyAddresses
    expect(published(false)).toBe(true)
    expect(published(true)).toBe(false)
  })

  test('takes what the tenant asks for in place of its size, and its limit with it', () => {
    const workload = workloadOf(kubeApiServer.desired(aPlane({ apiServer: { resources: { memory: '6Gi' } } })))
    expect(podOf(workload).containers[0].resources).toEqual({
      requests: { cpu: '50m', memory: '6Gi' },
      limits: { memory: '6Gi' },
    })
  })

  test('goes on while nodes hear that it goes, and starts nothing anew for another number of replicas', () => {
    const [one, two] = [1, 2].map((replicas) => workloadOf(kubeApiServer.desired(aPlane({ apiServer: { replicas } }))))
    expect(one?.spec.template).toEqual(two?.spec.template)
    expect(commandOf(one as KubeObject)).toContain('--shutdown-delay-duration=5s')
  })

  test('with several replicas is spread over nodes', () => {
    const objects = kubeApiServer.desired(aPlane({ apiServer: { replicas: 2 } }))
    expect(podOf(workloadOf(objects)).topologySpreadConstraints).toHaveLength(1)
    expect(find(objects, 'PodDisruptionBudget').spec.maxUnavailable).toBe(1)
  })
})

describe('kube-controller-manager', () => {
  const flagsFor = (spec: Record<string, unknown>) => commandOf(workloadOf(kubeControllerManager.desired(aPlane(spec))))

  test('leaves to super what is about its nodes and volumes', () => {
    const controllers = flagsFor({}).find((flag) => flag.startsWith('--controllers='))
    for (const name of ['node-lifecycle-controller', 'persistentvolume-binder-controller', 'ttl-controller']) {
      expect(controllers).toContain(`,-${name}`)
    }
    expect(controllers).not.toContain(',-taint-eviction-controller')
  })

  test('is never there twice without an election between the two', () => {
    for (const replicas of [1, 2])
      expect(workloadOf(kubeControllerManager.desired(aPlane({ controllerManager: { replicas } }))).spec.strategy).toEqual({
        type: 'Recreate',
      })
  })

  test('elects a leader only when there is somebody to elect: a single one then lives through any silence of its API server', () => {
    expect(flagsFor({})).toContain('--leader-elect=false')
    expect(flagsFor({ controllerManager: { replicas: 2 } })).toContain('--leader-elect=true')
  })
})

describe('the fence around a control plane', () => {
  const policies = networkPolicies(aPlane())
  const rulesOf = (name: string) => find(policies, 'NetworkPolicy', name).spec

  test('lets nothing in or out by default', () => {
    expect(rulesOf('default-deny')).toEqual({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] })
  })

  test('lets only its API server, who saves it, the manager and its members come to etcd', () => {
    const from = rulesOf('etcd').ingress.flatMap((rule: { from: unknown[] }) => rule.from)
    expect(from).toEqual([
      { podSelector: { matchLabels: { 'berth.dev/component': 'kube-apiserver' } } },
      { podSelector: { matchLabels: { 'berth.dev/component': 'snapshot' } } },
      {
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'berth-system' } },
        podSelector: { matchLabels: { 'app.kubernetes.io/name': 'berth-manager' } },
      },
      { podSelector: { matchLabels: { 'berth.dev/component': 'etcd' } } },
    ])
  })

  test('lets a drill, which runs an API server on data of the tenant, go to no etcd, API server, kubelet or agent', () => {
    const rules = rulesOf('drill')
    expect(rules.podSelector).toEqual({ matchLabels: { 'berth.dev/component': 'drill' } })
    const open = (rules.egress as { ports?: { port: number; endPort?: number }[] }[]).flatMap(
      ({ ports }) => ports ?? [{ port: 0, endPort: 65_535 }],
    )
    const isOpen = (port: number) => open.some((range) => port >= range.port && port <= (range.endPort ?? range.port))
    expect([2379, 2380, 6443, 10250, 10550].filter(isOpen)).toEqual([])
    expect([53, 443, 2378, 2381, 6444, 9000, 10251, 65_535].every(isOpen)).toBe(true)
  })

  test('lets the API server go to pods of this tenant, to no other and not to metadata services', () => {
    const { egress } = rulesOf('kube-apiserver')
    expect(egress).toContainEqual({
      to: [{ namespaceSelector: { matchLabels: { 'berth.dev/tenant': '6d3f0c1e-1111-4222-8333-944455556666' } } }],
    })
    for (const rule of egress as { to: KubeObject[]; ports?: unknown }[]) {
      const isOpen = rule.to.some((peer) => peer['ipBlock'] !== undefined || JSON.stringify(peer) === '{"namespaceSelector":{}}')
      if (isOpen) expect(rule.ports).toBeDefined()
    }
  })
})

describe('what Berth puts into a tenant', () => {
  test('warns of kinds that nothing acts on, and of none that is declared to go down', () => {
    const warnedOf = (spec: Record<string, unknown>): string[] =>
      find(notInForce(aPlane(spec)), 'ValidatingAdmissionPolicy').spec.matchConstraints.resourceRules.flatMap(
        ({ apiGroups, resources }: KubeObject) => resources.map((plural: string) => `${plural}.${apiGroups}`),
      )
    const declared = {
      group: 'policy.networking.k8s.io',
      version: 'v1alpha1',
      plural: 'adminnetworkpolicies',
      kind: 'AdminNetworkPolicy',
    }
    expect(warnedOf({})).toEqual(expect.arrayContaining(['adminnetworkpolicies.policy.networking.k8s.io', 'persistentvolumes.']))
    expect(warnedOf({ sync: { customKinds: [declared] } })).not.toContain('adminnetworkpolicies.policy.networking.k8s.io')
    expect(warnedOf({})).not.toContain('networkpolicies.networking.k8s.io')
  })

  test('gives administrators their rights by a binding that can be taken away', () => {
    expect(find(tenantRbac([]), 'ClusterRoleBinding', 'berth:tenant-admins')).toMatchObject({
      roleRef: { name: 'cluster-admin' },
      subjects: [{ kind: 'Group', name: 'berth:tenant-admins' }],
    })
    expect(JSON.stringify(tenantRbac([]))).not.toContain('system:masters')
  })

  test('lets the syncer write no Secret, no role and no namespace', () => {
    const { rules } = find(tenantRbac([]), 'ClusterRole')
    const writes = (rules as { resources: string[]; verbs: string[] }[])
      .filter(({ verbs }) => verbs.some((verb) => !['get', 'list', 'watch'].includes(verb)))
      .flatMap(({ resources }) => resources)
    expect(writes).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(secrets|configmaps|namespaces|.*role.*)$/)]))
  })

  test('lets who measures usage read metrics, and nothing else', () => {
    expect(find(tenantRbac([]), 'ClusterRole', 'berth:meter')['rules']).toEqual([
      { nonResourceURLs: ['/metrics'], verbs: ['get'] },
    ])
    expect(find(tenantRbac([]), 'ClusterRoleBinding', 'berth:meter')).toMatchObject({ roleRef: { name: 'berth:meter' } })
  })

  test('lets the syncer tell the status of declared kinds, and write no more of them', () => {
    const widgets = { group: 'example.com', version: 'v1', plural: 'widgets', kind: 'Widget' }
    const { rules } = find(tenantRbac([widgets]), 'ClusterRole')
    expect(rules.filter(({ apiGroups }: { apiGroups: string[] }) => apiGroups[0] === 'example.com')).toEqual([
      { apiGroups: ['example.com'], resources: ['widgets'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: ['example.com'], resources: ['widgets/status'], verbs: ['patch'] },
    ])
  })

  test('DNS runs under the restricted level, with the tenth address', () => {
    const objects = coreDns(aPlane())
    expect(find(objects, 'Service').spec.clusterIP).toBe('10.96.4.10')
    const pod = podOf(find(objects, 'Deployment'))
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
    expect(pod.containers[0].securityContext.capabilities).toEqual({ drop: ['ALL'] })
  })

  test('DNS answers for the domain of the tenant', () => {
    expect(coreDnsConfig(aPlane({ network: { clusterDomain: 'corp.example' } })).data.Corefile).toContain(
      'kubernetes corp.example in-addr.arpa',
    )
  })
})
