import { stringify } from 'yaml'
import type { KubeObject } from '../../apis/kube-object.ts'
import { type LoadOrder, remapEtcd, taskFiles } from '../../apis/snapshot-task.ts'
import { drillServerName, taskNames } from '../names.ts'
import { encryptionConfiguration } from '../pki/files.ts'
import { issueLeaf } from '../pki/issue.ts'
import { newAuthority, newTokenKeys } from '../pki/keys.ts'
import { container, job, orderOf, orderSecret, restoreSteps, step, type TaskPlace } from './task-objects.ts'

const keyFolder = '/etc/berth/drill'

/** All that an API server needs to read data that nobody else uses: keys of its own, good for a day and for nothing else. */
export interface DrillKeys {
  readonly access: NonNullable<LoadOrder['drill']>
  /** Files of the API server. */
  readonly files: Readonly<Record<string, string>>
}

const day = 24 * 3_600_000

/** `encryptionKey`: what Secrets in its data are encrypted with, 32 bytes in base64. */
export const drillKeys = async (encryptionKey: string, now: Date): Promise<DrillKeys> => {
  const authority = await newAuthority('drill', now)
  const life = { notBefore: new Date(now.getTime() - 3_600_000), notAfter: new Date(now.getTime() + day) }
  const names = ['127.0.0.1', 'localhost']
  const [serving, client, tokens] = await Promise.all([
    issueLeaf(authority, { subject: { commonName: 'drill-server' }, usages: ['server'], names, ...life }),
    issueLeaf(authority, { subject: { commonName: 'drill', organization: 'system:masters' }, usages: ['client'], ...life }),
    newTokenKeys(),
  ])
  return {
    access: { ca: authority.cert, clientCert: client.cert, clientKey: client.key },
    files: {
      'ca.crt': authority.cert,
      'serving.crt': serving.cert,
      'serving.key': serving.key,
      'sa.pub': tokens.cert,
      'sa.key': tokens.key,
      'encryption.yaml': stringify(encryptionConfiguration(encryptionKey)),
    },
  }
}

const flags = (slice: string): readonly string[] => [
  `--etcd-servers=${remapEtcd}`,
  `--service-cluster-ip-range=${slice}`,
  '--bind-address=127.0.0.1',
  '--secure-port=6443',
  '--endpoint-reconciler-type=none',
  `--client-ca-file=${keyFolder}/ca.crt`,
  `--tls-cert-file=${keyFolder}/serving.crt`,
  `--tls-private-key-file=${keyFolder}/serving.key`,
  `--encryption-provider-config=${keyFolder}/encryption.yaml`,
  '--service-account-issuer=https://drill.invalid',
  `--service-account-key-file=${keyFolder}/sa.pub`,
  `--service-account-signing-key-file=${keyFolder}/sa.key`,
  '--authorization-mode=RBAC',
  // Nothing of the tenant has a say in what the API server does here, and nothing outside of the pod is asked.
  '--disable-admission-plugins=MutatingAdmissionWebhook,ValidatingAdmissionWebhook,MutatingAdmissionPolicy,ValidatingAdmissionPolicy',
  '--profiling=false',
]

/** The order and the files in one Secret: they come and go together. */
export const drillSecret = (
  place: Pick<TaskPlace, 'tenant' | 'namespace' | 'name'>,
  order: LoadOrder,
  files: DrillKeys['files'],
): KubeObject => {
  const secret = orderSecret(place, order)
  const data = Object.fromEntries(Object.entries(files).map(([name, text]) => [name, Buffer.from(text).toString('base64')]))
  return { ...secret, data: { ...secret.data, ...data } }
}

/** Brings a snapshot to a folder of the pod, starts an etcd and an API server on it there, and reads all of it. What it has made goes with it. */
export const drillJob = (
  place: TaskPlace & {
    readonly images: { readonly etcd: string; readonly kubeApiServer: string }
    readonly fileNames: readonly string[]
    readonly slice: string
    readonly quotaBytes: number
  },
): KubeObject => {
  const { images, slice, quotaBytes } = place
  const work = { name: 'work', mountPath: taskFiles.work }
  const { fetch, restore, store } = restoreSteps({ ...place, etcdImage: images.etcd, quotaBytes, bumpRevision: 0 })
  const server = {
    ...container(
      drillServerName,
      images.kubeApiServer,
      ['/usr/local/bin/kube-apiserver', ...flags(slice)],
      [
        { name: 'keys', mountPath: keyFolder, readOnly: true },
        { name: 'server', mountPath: '/var/run/kubernetes' },
      ],
    ),
    restartPolicy: 'Always',
    resources: { requests: { cpu: '100m', memory: '256Mi' }, limits: { memory: '2Gi' } },
  }
  return job(place, taskNames.drill, {
    initContainers: [fetch, restore, store, step('remap', place.image, [work]), server],
    containers: [step('drill', place.image, [{ ...work, readOnly: true }])],
    volumes: [
      orderOf(place.name, ['task.json']),
      {
        name: 'keys',
        secret: { secretName: place.name, defaultMode: 0o440, items: place.fileNames.map((key) => ({ key, path: key })) },
      },
      { name: 'server', emptyDir: {} },
      { name: 'data', emptyDir: { sizeLimit: String(quotaBytes * 2) } },
      { name: 'work', emptyDir: { sizeLimit: String(quotaBytes + 64 * 2 ** 20) } },
    ],
  })
}
