import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type IsolationProfile, isolationProfiles, type NodePool } from '../apis/isolation.ts'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { Pod } from '../syncer/pods/pod.ts'
import { podRefusal } from '../syncer/pods/refusal.ts'
import { type PodCase, podCases } from './pod-cases.ts'
import { aSyncContext } from './sync-builders.ts'
import { servedMinors } from './test-binaries.ts'
import { startToldServer, type ToldServer } from './told-server.ts'

const podOf = ({ spec, annotations }: PodCase): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'default', ...(annotations && { annotations }) },
  spec: { containers: [{ name: 'main', image: 'registry.example/web:1' }], ...spec },
})

/** What an API server says to a request; undefined when it takes it. */
const answerTo = async (request: Promise<unknown>): Promise<string | undefined> => {
  try {
    await request
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** What the operator has to say beside these profiles, or no pod goes down at all. */
const beside: Readonly<Partial<Record<IsolationProfile, { readonly nodePool?: NodePool; readonly forced?: string }>>> = {
  sandboxed: { forced: 'gvisor' },
  dedicated: { nodePool: { nodeSelector: { pool: 'acme' }, taints: [] } },
}

describe.for(servedMinors)('in a tenant of %s', (minor) => {
  let told: ToldServer
  beforeAll(async () => {
    told = await startToldServer(minor, {})
  })
  afterAll(() => told?.stop())

  describe.for(isolationProfiles)('at profile %s', (profile) => {
    const { nodePool, forced } = beside[profile] ?? {}
    const isolation = { profile, ...(nodePool && { nodePool }) }
    beforeAll(() => told.tell({ isolation, ...(forced !== undefined && { sync: { classes: { runtime: { forced } } } }) }))

    test.for(podCases.map((each) => [each.name, each] as const))('%s', async ([, podCase]) => {
      const answer = await answerTo(told.server.client.create(resourceTypes.pods, podOf(podCase), { dryRun: true }))
      const isRefused = podCase.refusedAt.includes(profile)
      expect(answer !== undefined, answer).toBe(isRefused)
      if (isRefused) expect(answer).toContain("ValidatingAdmissionPolicy 'berth-pods.static.k8s.io'")
      const refusal = podRefusal(podOf(podCase) as Pod, aSyncContext({ isolation, classes: { runtime: { forced } } }))
      if (podCase.isPending) return
      // The very words of the syncer.
      expect(refusal !== undefined, refusal?.message).toBe(isRefused)
      if (refusal) expect(answer).toContain(refusal.message)
    })
  })
})
