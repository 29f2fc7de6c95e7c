import { join } from 'node:path'
import { namespaceReport } from '../../hack/diagnosis.ts'
import { apply, superKubectl } from './kubectl.ts'
import { secret } from './objects.ts'
import { tenantsNamespace } from './tenant.ts'

const manifests = join(import.meta.dirname, '../../manifests/options/snapshot-volume')
const place = 'berth-system'
const name = 'berth-snapshot-volume'
const keys = { accessKeyId: 'berth', secretAccessKey: 'a-secret-of-the-tests' }

/** Where the stories' snapshots lie, as a spec says it. */
export const s3Storage = {
  kind: 's3',
  s3: { endpoint: `http://${name}.${place}.svc:7070`, bucket: 'berth', prefix: 'stories/', secretName: 'bucket-keys' },
}

/** The bucket on a volume that Berth has a manifest for, as an operator sets it up, and its keys where tenants are. */
export const startS3 = async (): Promise<void> => {
  await apply(superKubectl, secret(place, name, keys), secret(tenantsNamespace, s3Storage.s3.secretName, keys))
  await superKubectl(['apply', '-k', manifests])
  await superKubectl(['rollout', 'status', `deployment/${name}`, '-n', place, '--timeout=90s'], { timeoutMs: 100_000 }).catch(
    async (error: unknown) => {
      throw new Error(await namespaceReport(superKubectl, place), { cause: error })
    },
  )
}

export const stopS3 = async (): Promise<void> => {
  await superKubectl(['delete', '-k', manifests, '--ignore-not-found', '--timeout=60s'], { timeoutMs: 70_000 })
  await superKubectl(['delete', 'secret', name, '-n', place, '--ignore-not-found'])
  await superKubectl(['delete', 'secret', s3Storage.s3.secretName, '-n', tenantsNamespace, '--ignore-not-found'])
}
