import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { berthImage } from '../hack/berth-image.ts'
import { ensureBinaries } from '../hack/binaries.ts'
import { ensureCluster, type LocalCluster, loadImages } from '../hack/cluster/index.ts'
import type { ImageArchive } from '../hack/images/oci-image.ts'
import { applyBerth, installBerth } from '../hack/install/index.ts'
import { type PreviousBerth, previousBerth } from '../hack/install/previous.ts'
import { printProgress } from '../hack/progress.ts'
import { attempt, run } from '../hack/run.ts'
import { everything, mentions } from './support/inventory.ts'
import { apply, listJson, refusal, superKubectl, world } from './support/kubectl.ts'
import { configMap, deployment, namespace, service, webServer } from './support/objects.ts'
import { whileWriting } from './support/steady-writer.ts'
import { createTenant, deleteTenants, type Tenant } from './support/tenant.ts'
import { verify } from './support/verify.ts'
import { rolledOut, waitFor } from './support/wait.ts'

// Berth itself comes, is upgraded and goes, by each way. Other stories stand on the same cluster: at the end it is installed as it was.
const progress = printProgress()
const chart = join(import.meta.dirname, '../charts/berth')
const release = ['berth', '--namespace', 'default']
const tenantName = 'install'

let cluster: LocalCluster
let image: ImageArchive
let helm: string
let before: PreviousBerth

/** The image's name stays while its content changes: with other annotations the pods are others, also where no version before is known. */
const values = (): string => {
  const pods = { podAnnotations: { 'berth.dev/image-digest': image.digest, 'berth.dev/installed-by': 'a story' } }
  return stringify({ manager: pods, syncer: pods, vnAgent: pods })
}

const cli = join(import.meta.dirname, '../src/bin/cli.ts')
const berth = async (args: readonly string[], input = '') => {
  const all = [cli, ...args, '--kubeconfig', world().superKubeconfig]
  return attempt(process.execPath, all, { timeoutMs: 280_000, input })
}
const runHelm = (args: readonly string[], input = ''): Promise<string> => {
  const { dir, superKubeconfig } = world()
  const env = { HELM_CONFIG_HOME: `${dir}/helm`, HELM_CACHE_HOME: `${dir}/helm`, HELM_DATA_HOME: `${dir}/helm` }
  return run(helm, [...args, '--kubeconfig', superKubeconfig], { env, timeoutMs: 280_000, input })
}

/** Objects in super, of whatever kind, that say in their name, labels or spec that they are of Berth, in words. */
const left = async (): Promise<string[]> =>
  (await everything(undefined, ['Event']))
    .filter((each) => /^berth[-.:]/.test(each.metadata.name) || mentions(each, 'berth.dev') || mentions(each, 'berth-system'))
    .map(({ kind, metadata }) => `${kind} ${metadata.name}`)
const uninstalled = async (): Promise<void> => {
  const { ok, output } = await berth(['uninstall', '--crds'])
  expect(output).not.toContain('is not of Berth')
  expect(ok, output).toBe(true)
  // The API of a definition goes a moment after it.
  const nothing = async () => {
    const names = await left()
    return names.length === 0 || Promise.reject(new Error(`left: ${names.join(', ')}`))
  }
  await waitFor('nothing of Berth', nothing, { deadlineMs: 30_000, everyMs: 1_000 })
}

/** UIDs of the tenant's pods as super has them: none of them may have been made anew. */
const podsOf = async ({ uid }: Tenant): Promise<string[]> =>
  (await listJson(superKubectl, ['pods', '-A', '-l', `berth.dev/tenant=${uid}`]))
    .map(({ metadata }) => `${metadata.name} ${metadata.uid}`)
    .toSorted()

beforeAll(async () => {
  cluster = await ensureCluster({ name: world().clusterName, progress })
  helm = (await ensureBinaries(['helm'], { progress })).helm
  before = await previousBerth(progress)
  image = await berthImage(progress)
})

afterAll(async () => {
  // However far it came.
  await deleteTenants(tenantName, 'acme').catch(() => {})
  await runHelm(['uninstall', ...release, '--no-hooks', '--ignore-not-found', '--wait']).catch(() => {})
  await installBerth(cluster, progress)
})

describe('an upgrade of Berth', () => {
  let tenant: Tenant

  test('begins with the version before, and a tenant of it', async () => {
    console.log(`the version before is ${before.words}`)
    await uninstalled()
    await loadImages(cluster, [before.image])
    await applyBerth(superKubectl, before.image, { manifests: before.manifests, progress })
    tenant = await createTenant(tenantName)
    await apply(
      tenant.kubectl,
      namespace('work'),
      configMap('work', 'kept', { key: 'value' }),
      deployment('work', 'web', 2, webServer()),
      service('work', 'web'),
    )
    await rolledOut(tenant.kubectl, 'work', 'deployment/web')
  })

  test('by berth install keeps tenants serving: no write fails for more than a second, no pod of theirs is made anew', async () => {
    const pods = await podsOf(tenant)
    await loadImages(cluster, [image])
    const written = await whileWriting(tenant, 'upgrade of Berth', async () => {
      const { ok, output } = await berth(['install', '-f', '-'], values())
      expect(ok, output).toBe(true)
      expect(output).toContain('deployment.apps/berth-manager in berth-system changed')
      expect(output).toMatch(/Berth serves$/)
      // What it makes of the tenant by its own lights comes after.
      await superKubectl(['wait', '--for=condition=Ready', `tcp/${tenant.name}`, '--timeout=90s'], { timeoutMs: 100_000 })
      await apply(tenant.kubectl, deployment('work', 'later', 1, webServer()))
      await rolledOut(tenant.kubectl, 'work', 'deployment/later')
    })
    expect(written.failed).toEqual([])
    expect((await podsOf(tenant)).filter((pod) => !pod.startsWith('later-'))).toEqual(pods)
    await waitFor(
      'both sides equal',
      async () => {
        const { code, output } = await verify(tenant)
        return code === 0 || Promise.reject(new Error(output))
      },
      { deadlineMs: 60_000 },
    )
    expect(await tenant.kubectl(['exec', '-n', 'work', 'deploy/web', '--', 'hostname'])).toMatch(/^web-/)
    const again = await berth(['install', '-f', '-'], values())
    expect(again.output).toMatch(/: \d+ unchanged\nBerth serves$/)
  })

  test('is not taken back under a tenant: berth uninstall names it, and takes all away when it is gone', async () => {
    const { code, output } = await berth(['uninstall', '--crds'])
    expect(code).toBe(4)
    expect(output).toContain(`nothing was removed: there are tenants: default/${tenant.name}`)
    await deleteTenants(tenant.name)
    await uninstalled()
  })
})

describe('the Helm chart', () => {
  test('installs what the demo runs on', async () => {
    await loadImages(cluster, [image])
    await runHelm(['install', ...release, chart, '-f', '-', '--wait', '--timeout', '4m'], values())
    const script = join(import.meta.dirname, '../hack/demo.ts')
    const told = await run(process.execPath, [script, '--name', world().clusterName, '--installed'], {
      timeoutMs: 200_000,
      env: { NO_COLOR: '1' },
    })
    expect(told).toContain('http://web.shop.svc.cluster.local/hostname')
    expect(told).toMatch(/\$ kubectl exec -n shop deploy\/web .*\n +open-sesame\n +web-/)
    const { output } = await berth(['install'])
    expect(output).toContain('installed here by Helm, release berth in namespace default')
  })

  test('upgrades in place', async () => {
    await runHelm(['upgrade', ...release, chart, '--reuse-values', '--set', 'logLevel=debug', '--wait', '--timeout', '4m'])
    const [manager] = await listJson(superKubectl, [
      'deployments',
      '-n',
      'berth-system',
      '--field-selector=metadata.name=berth-manager',
    ])
    expect(JSON.stringify(manager?.spec)).toContain('"args":["--log-level=debug"]')
  })

  test('refuses to go while there are tenants, and goes without the definitions after', async () => {
    expect(await refusal(runHelm(['uninstall', ...release, '--wait']))).toContain('berth-uninstall-check')
    expect(await left()).toContain('Namespace berth-system')
    await superKubectl(['get', 'deployment/berth-manager', '-n', 'berth-system'])
    await deleteTenants('acme')
    await runHelm(['uninstall', ...release, '--wait'])
    expect((await left()).filter((words) => !/^(CustomResourceDefinition|APIService) /.test(words))).toEqual([])
    await uninstalled()
  })
})
