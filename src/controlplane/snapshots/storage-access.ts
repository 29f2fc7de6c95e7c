import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { SnapshotStorage } from '../../apis/snapshot-storage.ts'
import type { S3Access } from '../../apis/snapshot-task.ts'
import { AppError } from '../../lib/errors.ts'
import type { Deps } from '../deps.ts'

const textOf = (secret: KubeObject, key: string): string | undefined => {
  const value: unknown = secret.data?.[key]
  return typeof value === 'string' && value !== '' ? Buffer.from(value, 'base64').toString('utf8').trim() : undefined
}

const readSecret = async (
  { name, namespace, what }: { name: string; namespace: string; what: string },
  { kube, signal }: Pick<Deps, 'kube' | 'signal'>,
): Promise<KubeObject> => {
  const secret = await kube.get(resourceTypes.secrets, { name, namespace }, { signal })
  if (secret) return secret
  throw new AppError('SPEC_INVALID', `Secret ${namespace}/${name}, which should have ${what}, is not there: make it`, {})
}

/** What a storage is opened with: what the spec says and what its Secret has. Throws SPEC_INVALID. */
export const storageAccess = async (
  { s3 }: SnapshotStorage,
  namespace: string,
  deps: Pick<Deps, 'kube' | 'signal'>,
): Promise<S3Access> => {
  const { secretName, ...place } = s3
  const secret = await readSecret({ name: secretName, namespace, what: 'the keys of the bucket' }, deps)
  const [accessKeyId, secretAccessKey] = [textOf(secret, 'accessKeyId'), textOf(secret, 'secretAccessKey')]
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw new AppError('SPEC_INVALID', `Secret ${namespace}/${secretName} lacks accessKeyId or secretAccessKey: add them`, {})
  const [sessionToken, ca] = [textOf(secret, 'sessionToken'), textOf(secret, 'ca.crt')]
  return {
    ...place,
    accessKeyId,
    secretAccessKey,
    ...(sessionToken !== undefined && { sessionToken }),
    ...(ca !== undefined && { ca }),
  }
}

/** Key of a Secret with a private key of age. */
export const identityKey = 'identity'

/** The private key of age in a Secret; `field` is where its name is to be said. Throws SPEC_INVALID. */
export const identityOf = async (
  { name, field }: { readonly name: string | undefined; readonly field: string },
  namespace: string,
  deps: Pick<Deps, 'kube' | 'signal'>,
): Promise<string> => {
  if (name === undefined) {
    const message = `the snapshot is encrypted: put its private key of age into a Secret in ${namespace}, under ${identityKey}, and name it in ${field}`
    throw new AppError('SPEC_INVALID', message, {})
  }
  const text = textOf(await readSecret({ name, namespace, what: 'the private key of age' }, deps), identityKey)
  // age-keygen writes lines of comment before it.
  const identity = text?.split('\n').find((line) => line.startsWith('AGE-SECRET-KEY-'))
  if (identity === undefined)
    throw new AppError('SPEC_INVALID', `Secret ${namespace}/${name} has no private key of age under ${identityKey}: add it`, {})
  return identity
}
