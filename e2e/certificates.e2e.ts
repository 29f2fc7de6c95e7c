import { X509Certificate } from 'node:crypto'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Kubectl, kubectlFor } from '../hack/cluster/kubectl.ts'
import { saveTenantKubeconfig } from '../hack/demo/workbench.ts'
import { namespaceReport } from '../hack/diagnosis.ts'
import { keyIdOf } from '../src/controlplane/steps/rotation-facts.ts'
import { berth } from './support/berth.ts'
import { apply, getJson, listJson, refusal, superKubectl, world } from './support/kubectl.ts'
import { agnhost, pod } from './support/objects.ts'
import { whileWriting } from './support/steady-writer.ts'
import { createTenant, deleteTenants, type Tenant, tenantsNamespace } from './support/tenant.ts'
import { verify } from './support/verify.ts'
import { podReady, waitFor } from './support/wait.ts'

const name = 'certs'
const accountFolder = '/var/run/secrets/kubernetes.io/serviceaccount'
const components = ['etcd', 'kube-apiserver', 'kube-controller-manager']
/** What a manager waits for because it cannot see it. A story does not wait for kubelets' minutes: it tells them to look. */
const shortTimes = ['BERTH_TRUST_SETTLE_SECONDS=3', 'BERTH_OLD_AUTHORITY_SILENCE_SECONDS=10', 'BERTH_TOKEN_RENEWAL_SECONDS=3']

const setManager = async (...settings: readonly string[]): Promise<void> => {
  await superKubectl(['set', 'env', 'deployment/berth-manager', '-n', 'berth-system', ...settings])
  await superKubectl(['rollout', 'status', 'deployment/berth-manager', '-n', 'berth-system', '--timeout=90s'], {
    timeoutMs: 100_000,
  })
}

interface Condition {
  readonly type: string
  readonly reason: string
  readonly message: string
}

describe('a rotation of all keys of a tenant', () => {
  let tenant: Tenant
  /** The same tenant, as who kept the kubeconfig of before. */
  let before: Tenant
  beforeAll(async () => {
    await setManager(...shortTimes)
    tenant = await createTenant(name, { dataStore: { replicas: 3 } })
    const kubeconfig = join(world().dir, `${name}-before.kubeconfig`)
    await copyFile(tenant.kubeconfig, kubeconfig)
    before = { ...tenant, kubeconfig, kubectl: kubectlFor(world().kubectl, kubeconfig) }
    await apply(tenant.kubectl, client('long'))
    await podReady(tenant.kubectl, 'default', 'long')
  })
  afterAll(async () => {
    await deleteTenants(name)
    await setManager(...shortTimes.map((setting) => `${setting.split('=', 1)[0]}-`))
  })

  /** A pod that asks its API server every second, with its service-account token. */
  const client = (podName: string): object =>
    pod('default', podName, { name: 'main', image: agnhost, args: ['inclusterclient', '--poll-interval=1'] })
  const failuresOf = async (podName: string): Promise<readonly string[]> => {
    const log = await tenant.kubectl(['logs', podName, '-n', 'default'], { timeoutMs: 20_000 })
    expect(log).toContain('calling /healthz')
    return log.split('\n').filter((line) => /x509|Unauthorized|failed to verify/.test(line))
  }

  /** The key that a pod's token was signed with, as the token names it. */
  const signerOf = async (podName: string): Promise<unknown> => {
    const token = await tenant.kubectl(['exec', podName, '-n', 'default', '--', 'cat', `${accountFolder}/token`])
    const [header = ''] = token.split('.', 1)
    return (JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid?: unknown }).kid
  }
  const signingKey = async (): Promise<string> => {
    const secret = await getJson(superKubectl, ['secret', 'service-account-keys', '-n', tenant.controlPlaneNamespace])
    return keyIdOf(Buffer.from(secret.data?.['sa.pub'] ?? '', 'base64').toString())
  }

  const rotating = async (): Promise<string> => {
    const { status } = await getJson(superKubectl, ['tcp', name, '-n', tenantsNamespace])
    const found = ((status?.['conditions'] ?? []) as Condition[]).find(({ type }) => type === 'RotatingCA')
    return found ? `${found.reason}: ${found.message}` : 'at rest'
  }
  const report = () => namespaceReport(superKubectl, tenant.controlPlaneNamespace)
  const untilRotation = (expected: RegExp, deadlineMs = 120_000): Promise<string> =>
    waitFor(
      `the rotation to say ${expected}`,
      async () => {
        const said = await rotating()
        if (!expected.test(said)) throw new Error(said)
        return said
      },
      { deadlineMs, report },
    )

  /** How often the pods of each component were started anew. */
  const revisions = async (): Promise<Record<string, number>> => {
    const listed = await listJson(superKubectl, ['deployments,statefulsets', '-n', tenant.controlPlaneNamespace])
    return Object.fromEntries(listed.map(({ metadata }) => [metadata.name, metadata.generation ?? 0]))
  }
  const rollsSince = async (then: Record<string, number>): Promise<Record<string, number>> => {
    const now = await revisions()
    return Object.fromEntries(components.map((component) => [component, (now[component] ?? 0) - (then[component] ?? 0)]))
  }
  const restarts = async (): Promise<number> => {
    const pods = await listJson(superKubectl, ['pods', '-n', tenant.controlPlaneNamespace])
    const statuses = pods.flatMap(({ status }) => (status?.['containerStatuses'] ?? []) as { restartCount: number }[])
    return statuses.reduce((sum, { restartCount }) => sum + restartCount, 0)
  }
  /** Kubelets look at the volumes of a pod that changes at once, not within a minute. */
  const hurryKubelets = (): Promise<string> =>
    superKubectl(['annotate', 'pods', '--all', '--overwrite', `looked-at=${Date.now()}`, '-n', tenant.controlPlaneNamespace])

  const newKubectl = async (): Promise<Kubectl> => {
    await saveTenantKubeconfig(superKubectl, tenant.kubeconfig, name, tenantsNamespace)
    return kubectlFor(world().kubectl, tenant.kubeconfig)
  }

  test('both are trusted and the new ones issue, while nobody has to do anything', async () => {
    const then = await revisions()
    const written = await whileWriting(before, 'both trusted', async () => {
      const asked = await berth('certs', 'rotate', name, '--wait', '--timeout', '200')
      expect(asked, asked.output).toMatchObject({ code: 0 })
    })
    expect(written.failed).toEqual([])
    // Both in one; then the key that signs tokens, which is read at a start.
    expect(await rollsSince(then)).toEqual({ etcd: 1, 'kube-apiserver': 2, 'kube-controller-manager': 2 })
    expect(await restarts()).toBe(0)
    expect(await failuresOf('long')).toEqual([])
    const listed = await berth('certs', 'list', name)
    expect(listed.output).toMatch(/^admin-client\/client +.* 2 +/m)
    expect(listed.output).not.toMatch(/PRIVATE/)
  })

  test('who comes with the kubeconfig of before is named, and nothing is cut until then', async () => {
    await before.kubectl(['get', 'namespaces'])
    await untilRotation(/1 client still uses the old authority: berth:admin \(last seen /)
    await tenant.kubectl(['delete', 'pod', 'long', '-n', 'default', '--now'])
    await newKubectl()
    await apply(tenant.kubectl, client('anew'))
    await podReady(tenant.kubectl, 'default', 'anew')
    expect(await signerOf('anew'), 'the key that signed the token of a pod of after').toBe(await signingKey())
    const written = await whileWriting(before, 'still the kubeconfig of before', async () => {
      expect(await berth('certs', 'cut', name)).toMatchObject({ code: 0 })
      // Longer than it would wait for one who was not seen.
      const began = Date.now()
      await waitFor(
        'a wait for who is left',
        async () => {
          const said = await rotating()
          if (!/^WaitingToCut: .*berth:admin \(last seen /.test(said)) throw new Error(said)
          return Date.now() - began > 15_000
        },
        { everyMs: 1_000, report },
      )
    })
    expect(written.failed).toEqual([])
    const { data } = await getJson(superKubectl, ['secret', 'cluster-ca', '-n', tenant.controlPlaneNamespace])
    expect(Object.keys(data ?? {})).toContain('old.crt')
  })

  test('is cut when nobody was seen with the old ones, and they are refused', async () => {
    const then = await revisions()
    const written = await whileWriting(tenant, 'cut', async () => {
      await waitFor(
        'the cut',
        async () => {
          await hurryKubelets()
          const said = await rotating()
          if (said !== 'at rest') throw new Error(said)
          return true
        },
        { deadlineMs: 150_000, everyMs: 2_000, report },
      )
    })
    expect(written.failed).toEqual([])
    expect(await rollsSince(then)).toMatchObject({ etcd: 1, 'kube-controller-manager': 1 })
    expect(await restarts()).toBe(0)
    expect(await refusal(before.kubectl(['get', 'namespaces']))).toMatch(/x509|Unauthorized|certificate/)
    await tenant.kubectl(['get', 'namespaces'])
    expect(await failuresOf('anew')).toEqual([])
    const { data } = await getJson(superKubectl, ['secret', 'cluster-ca', '-n', tenant.controlPlaneNamespace])
    expect(Object.keys(data ?? {}).filter((key) => /^(old|next)\./.test(key))).toEqual([])
    const root = new X509Certificate(Buffer.from(data?.['tls.crt'] ?? '', 'base64'))
    const published = await getJson(tenant.kubectl, ['configmap', 'kube-root-ca.crt', '-n', 'default'])
    expect(published.data?.['ca.crt']).toContain(root.toString().trim())
    const verified = await verify(tenant)
    expect(verified.code, verified.output).toBe(0)
  })
})
