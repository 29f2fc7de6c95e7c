import { describe, expect, test } from 'vitest'
import { aSyncContext, aTenantPod } from '../../testing/sync-builders.ts'
import { annotationNotes, superAnnotations } from './annotations.ts'
import type { Pod } from './pod.ts'

type Wanted = NonNullable<Parameters<typeof aSyncContext>[0]>
type Annotations = Readonly<Record<string, string>>

const pod = (annotations: Annotations): Pod => aTenantPod({}, { metadata: { annotations } }) as Pod
const superOf = (annotations: Annotations, wanted: Wanted = {}) => superAnnotations(pod(annotations), aSyncContext(wanted))
const notesOf = (annotations: Annotations, wanted: Wanted = {}) => annotationNotes(pod(annotations), aSyncContext(wanted))

const ingress = 'kubernetes.io/ingress-bandwidth'
const egress = 'kubernetes.io/egress-bandwidth'
const limited = (maxBandwidth: { ingress?: string; egress?: string }): Wanted => ({ isolation: { network: { maxBandwidth } } })

describe('what would steer super stays in the tenant', () => {
  test.for<[key: string, value: string]>([
    ['note', 'x'],
    ['k8s.v1.cni.cncf.io/networks', 'kube-system/host'],
    ['cni.projectcalico.org/ipAddrs', '["10.0.0.1"]'],
    ['sidecar.istio.io/inject', 'true'],
    ['dapr.io/enabled', 'true'],
    ['container.apparmor.security.beta.kubernetes.io/main', 'unconfined'],
    ['seccomp.security.alpha.kubernetes.io/pod', 'unconfined'],
    ['kubernetes.io/psp', 'privileged'],
    ['kubernetes.io/config.source', 'file'],
    ['cluster-autoscaler.kubernetes.io/safe-to-evict', 'false\nmore'],
    ['cluster-autoscaler.kubernetes.io/daemonset-pod', 'true'],
    ['__proto__', 'x'],
    ['constructor', 'x'],
  ])('%s: %s', ([key, value]) => {
    expect(superOf({ [key]: value })).toEqual({})
  })
})

test('a word for the autoscaler goes down', () => {
  const annotations = {
    'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false',
    'cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes': 'cache,tmp-1',
  }
  expect(superOf(annotations)).toEqual(annotations)
})

describe("the operator's word", () => {
  const policy = { podAnnotations: ['prometheus.io/*', 'kubernetes.io/*', 'container.apparmor.security.beta.kubernetes.io/*'] }

  test('lets keys through with any value', () => {
    expect(superOf({ 'prometheus.io/scrape': 'yes', note: 'x' }, { policy })).toEqual({ 'prometheus.io/scrape': 'yes' })
  })

  test('lifts no limit, and lets nothing through that is for a kubelet to write or that fields say', () => {
    const hostile = {
      [egress]: '1T',
      'kubernetes.io/config.mirror': 'x',
      'container.apparmor.security.beta.kubernetes.io/main': 'unconfined',
    }
    expect(superOf(hostile, { policy, ...limited({ egress: '100M' }) })).toEqual({ [egress]: '100M' })
  })
})

describe('bandwidth', () => {
  test.for<[name: string, asked: Annotations, max: { ingress?: string; egress?: string }, inSuper: Annotations]>([
    ['is as asked where there is no limit', { [ingress]: '10M' }, {}, { [ingress]: '10M' }],
    ['is the limit where nothing is asked', {}, { ingress: '10M', egress: '1Gi' }, { [ingress]: '10M', [egress]: '1Gi' }],
    ['is less than the limit when asked', { [ingress]: '5M' }, { ingress: '10M' }, { [ingress]: '5M' }],
    ['is never more', { [ingress]: '1G', [egress]: '1G' }, { ingress: '10M' }, { [ingress]: '10M', [egress]: '1G' }],
    ['is compared as quantities', { [ingress]: '9000k' }, { ingress: '10M' }, { [ingress]: '9000k' }],
    ['with less than a runtime takes is none', { [ingress]: '1' }, {}, {}],
    ['with more than a runtime takes is none', { [ingress]: '2P' }, {}, {}],
    [
      'that is no quantity is the limit',
      { [ingress]: 'lots', [egress]: '1.2.3' },
      { ingress: '10M', egress: '1M' },
      { [ingress]: '10M', [egress]: '1M' },
    ],
    ['that runtimes do not read is none', { [ingress]: '10K', [egress]: '-1' }, {}, {}],
    ['has a limit that a runtime reads', {}, { ingress: '64K', egress: '5' }, { [ingress]: '64k', [egress]: '1k' }],
  ])('%s', ([, asked, max, inSuper]) => {
    expect(superOf(asked, limited(max))).toEqual(inSuper)
  })
})

describe('the user is told', () => {
  test('of annotations that a network or a mesh would have heeded, once for all of them', () => {
    const annotations = { 'k8s.v1.cni.cncf.io/networks': 'x', 'dapr.io/enabled': 'true', note: 'x' }
    expect(notesOf(annotations)).toEqual([
      { reason: 'AnnotationNotInSuper', message: expect.stringContaining('dapr.io/enabled, k8s.v1.cni.cncf.io/networks have') },
    ])
    expect(notesOf(annotations, { policy: { podAnnotations: ['dapr.io/*', 'k8s.v1.cni.cncf.io/networks'] } })).toEqual([])
  })

  test('of less bandwidth than was asked for', () => {
    expect(notesOf({ [ingress]: '1G' }, limited({ ingress: '10M' }))).toEqual([
      { reason: 'BandwidthLimited', message: expect.stringContaining(`${ingress}: 10M, not 1G`) },
    ])
    expect(notesOf({ [ingress]: '1M' }, limited({ ingress: '10M' }))).toEqual([])
    expect(notesOf({}, limited({ ingress: '10M' }))).toEqual([])
  })

  test('in a few words, however much was written', () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`dapr.io/x${index}`, '']))
    expect(notesOf(many)[0]?.message.length).toBeLessThan(600)
  })
})
