import { afterAll, beforeAll, expect, test } from 'vitest'
import { createKubeClient } from '../../kube/undici-client.ts'
import { startApiServer, type TestApiServer } from '../../testing/api-server.ts'
import { deprecatedAPIsIn, removedAPIFindings } from './preflight.ts'
import { readMetrics } from './preflight-facts.ts'

// Served by 1.36 on request, and not at all by 1.37.
let server: TestApiServer
beforeAll(async () => {
  server = await startApiServer({ minor: '1.36', flags: ['--runtime-config=networking.k8s.io/v1beta1=true'] })
})
afterAll(() => server?.stop())

test('an API that somebody used, and that the next minor does not serve, is found in what the API server says of itself', async () => {
  const client = createKubeClient(server.connection, { userAgent: 'test' })
  const { signal } = new AbortController()
  const findings = async () => removedAPIFindings(deprecatedAPIsIn(await readMetrics(client, signal)), 'v1.37.1')
  try {
    expect(await findings()).toEqual([])
    expect((await client.raw('/apis/networking.k8s.io/v1beta1/ipaddresses')).status).toBe(200)
    expect(await findings()).toEqual([
      expect.stringMatching(/^somebody has asked for ipaddresses of networking\.k8s\.io\/v1beta1 .* v1\.37\.1 does not serve/),
    ])
  } finally {
    await client.close()
  }
})
