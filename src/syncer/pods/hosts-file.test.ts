import { describe, expect, test } from 'vitest'
import { superNamespace } from '../../tenancy/names.ts'
import { aSyncContext, aTenantPod } from '../../testing/sync-builders.ts'
import { withHostsFile } from './hosts-file.ts'
import { hostsText } from './hosts-text.ts'
import type { Pod } from './pod.ts'

const ctx = aSyncContext()
const image = 'registry.example/berth:1'
const superNs = superNamespace(ctx.tenant, 'shop')
const fitted = (spec: Record<string, unknown>, tenantSpec: Record<string, unknown> = {}): Pod => {
  const tenantPod = aTenantPod({ subdomain: 'db', ...tenantSpec, ...spec }) as Pod
  const superPod = aTenantPod(spec, { metadata: { namespace: superNs } }) as Pod
  return withHostsFile(superPod, tenantPod, { ctx, image })
}
const writerOf = ({ spec }: Pod) => {
  const [writer] = spec.initContainers ?? []
  if (!writer) throw new Error('no init container')
  return writer
}

test('the file is written first, and every container finds it as its hosts file', () => {
  const { spec } = fitted({
    initContainers: [{ name: 'sidecar', restartPolicy: 'Always' }],
    containers: [{ name: 'main', volumeMounts: [{ name: 'data', mountPath: '/data' }] }, { name: 'other' }],
    volumes: [{ name: 'data', emptyDir: {} }],
    hostAliases: [{ ip: '192.0.2.1', hostnames: ['legacy'] }],
  })
  const [writer, sidecar] = spec.initContainers ?? []
  const mount = { name: writer?.name, mountPath: '/etc/hosts', subPath: 'hosts' }
  expect(writer?.args?.slice(2)).toEqual([
    '["web.db.shop.svc.cluster.local","web"]',
    '[{"ip":"192.0.2.1","hostnames":["legacy"]}]',
  ])
  expect(sidecar?.volumeMounts).toEqual([mount])
  expect(spec.containers.map(({ volumeMounts }) => volumeMounts?.at(-1))).toEqual([mount, mount])
  expect(spec.volumes?.at(-1)).toEqual({ name: writer?.name, emptyDir: {} })
  expect(JSON.stringify(spec.volumes)).not.toContain('berth')
})

test('a container that brings a hosts file of its own keeps it', () => {
  const { spec } = fitted({ containers: [{ name: 'main', volumeMounts: [{ name: 'own', mountPath: '/etc/hosts/' }] }] })
  expect(spec.containers[0]?.volumeMounts).toEqual([{ name: 'own', mountPath: '/etc/hosts/' }])
})

describe('stays as it is', () => {
  test.for<[name: string, spec: Record<string, unknown>, tenantSpec: Record<string, unknown>]>([
    ['a pod without a subdomain', {}, { subdomain: '' }],
    ['a pod on the network of its host', { hostNetwork: true }, {}],
    ['a pod whose hostname is the full one', {}, { setHostnameAsFQDN: true }],
    ['a pod with a hostname of its own choice', { hostnameOverride: 'mine' }, {}],
    ['a Windows pod', { os: { name: 'windows' } }, {}],
    ['a pod too small for the program', { resources: { limits: { memory: '32Mi' } } }, {}],
  ])('%s', ([, spec, tenantSpec]) => {
    expect(fitted(spec, tenantSpec).spec.initContainers).toBeUndefined()
  })
})

describe('quality of service', () => {
  const sized = (resources: object | undefined, more: object = {}) =>
    writerOf(fitted({ containers: [{ name: 'main', ...(resources && { resources }) }], ...more })).resources
  test.for<[name: string, resources: object | undefined, wanted: object | undefined]>([
    ['none for a pod without', undefined, undefined],
    ['none where the container says none', {}, { requests: {}, limits: {} }],
    [
      'those of the first container, without devices',
      { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '1', memory: '1Gi', 'example.com/gpu': '1' } },
      { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '1', memory: '1Gi' } },
    ],
    [
      'equal ones stay equal when raised',
      { requests: { cpu: '1', memory: '8Mi' }, limits: { cpu: '1', memory: '8Mi' } },
      { requests: { cpu: '1', memory: '64Mi' }, limits: { cpu: '1', memory: '64Mi' } },
    ],
    [
      'a request below a small limit stays',
      { requests: { memory: '8Mi' }, limits: { memory: '16Mi' } },
      { requests: { memory: '8Mi' }, limits: { memory: '64Mi' } },
    ],
  ])('%s', ([, resources, wanted]) => expect(sized(resources)).toEqual(wanted))

  test('none where the pod as a whole has resources', () => {
    expect(sized({ requests: { cpu: '1' } }, { resources: { limits: { memory: '1Gi' } } })).toBeUndefined()
  })
})

test('no name of the pod is taken twice', () => {
  const { name } = writerOf(fitted({}))
  const second = fitted({ volumes: [{ name, emptyDir: {} }] })
  expect(writerOf(second).name).not.toBe(name)
})

test('the text is what kubelets write', () => {
  const text = hostsText({
    addresses: ['10.0.0.5', 'fd00::5'],
    names: ['web-0.db.shop.svc.cluster.local', 'web-0'],
    aliases: [{ ip: '192.0.2.1', hostnames: ['a', 'b'] }],
  })
  expect(text).toContain('127.0.0.1\tlocalhost\n')
  expect(text).toContain('\n10.0.0.5\tweb-0.db.shop.svc.cluster.local\tweb-0\nfd00::5\tweb-0.db.shop.svc.cluster.local\tweb-0\n')
  expect(text).toContain('\n192.0.2.1\ta\tb\n')
  expect(text.endsWith('\n')).toBe(true)
})
