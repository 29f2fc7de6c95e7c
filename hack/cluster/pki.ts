import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../run.ts'
import type { ClusterPlan } from './plan.ts'
import { replaceFile } from './state.ts'

/** A new P-256 key and a certificate for it; signed by itself unless a CA is named as well. */
const newCertificate = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650'.split(' ')

/** Certificates of the local cluster, in `stateDir/pki`: made once, for ten years, by openssl. */
export const pkiDir = (plan: ClusterPlan): string => join(plan.stateDir, 'pki')

interface Leaf {
  readonly file: string
  readonly ca: 'ca' | 'etcd-ca' | 'front-proxy-ca'
  readonly subject: string
  readonly names?: readonly string[]
}

const leaves = (plan: ClusterPlan): Leaf[] => [
  {
    file: 'apiserver',
    ca: 'ca',
    subject: '/CN=kube-apiserver',
    names: [
      ...['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local', 'localhost'].map(
        (name) => `DNS:${name}`,
      ),
      ...['127.0.0.1', plan.firstServiceIp, plan.control.ip].map((address) => `IP:${address}`),
    ],
  },
  { file: 'kubelet-client', ca: 'ca', subject: '/O=system:masters/CN=kube-apiserver-kubelet-client' },
  { file: 'admin', ca: 'ca', subject: '/O=system:masters/CN=admin' },
  { file: 'kube-controller-manager', ca: 'ca', subject: '/CN=system:kube-controller-manager' },
  { file: 'kube-scheduler', ca: 'ca', subject: '/CN=system:kube-scheduler' },
  { file: 'kube-proxy', ca: 'ca', subject: '/CN=system:kube-proxy' },
  { file: 'etcd', ca: 'etcd-ca', subject: '/CN=etcd', names: ['DNS:localhost', 'IP:127.0.0.1'] },
  { file: 'front-proxy', ca: 'front-proxy-ca', subject: '/CN=front-proxy-client' },
  ...plan.nodes.map(
    (node): Leaf => ({
      file: node.name,
      ca: 'ca',
      subject: `/O=system:nodes/CN=system:node:${node.name}`,
      names: [`DNS:${node.name}`, `IP:${node.ip}`],
    }),
  ),
]

const extensions = (...texts: readonly string[]): string[] => texts.flatMap((text) => ['-addext', text])
const output = (dir: string, name: string): string[] => ['-keyout', join(dir, `${name}.key`), '-out', join(dir, `${name}.crt`)]

const makeCa = (dir: string, name: string): Promise<string> => {
  const use = extensions('keyUsage=critical,keyCertSign,cRLSign,digitalSignature')
  return run('openssl', [...newCertificate, '-subj', `/CN=berth-local-${name}`, ...use, ...output(dir, name)])
}

const makeLeaf = (dir: string, { file, ca, subject, names }: Leaf): Promise<string> => {
  const use = extensions(
    'basicConstraints=critical,CA:FALSE',
    'keyUsage=critical,digitalSignature',
    'extendedKeyUsage=serverAuth,clientAuth',
    ...(names ? [`subjectAltName=${names.join(',')}`] : []),
  )
  const issuer = ['-CA', join(dir, `${ca}.crt`), '-CAkey', join(dir, `${ca}.key`)]
  return run('openssl', [...newCertificate, ...issuer, '-subj', subject, ...use, ...output(dir, file)])
}

/** A kubeconfig that carries its keys, so that it can be taken anywhere. JSON is YAML. */
const kubeconfig = async (plan: ClusterPlan, dir: string, user: string): Promise<string> => {
  const [ca, certificate, key] = await Promise.all(
    ['ca.crt', `${user}.crt`, `${user}.key`].map(async (file) => (await readFile(join(dir, file))).toString('base64')),
  )
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: plan.name, cluster: { server: plan.apiServer, 'certificate-authority-data': ca } }],
    users: [{ name: user, user: { 'client-certificate-data': certificate, 'client-key-data': key } }],
    contexts: [{ name: plan.name, context: { cluster: plan.name, user } }],
    'current-context': plan.name,
  })
}

/** Where the administrator's kubeconfig lies. */
export const kubeconfigPath = (plan: ClusterPlan): string => join(plan.stateDir, 'kubeconfig')

/** Makes all certificates and kubeconfigs, or leaves those that are there. A half-made set is made anew. */
export const ensurePki = async (plan: ClusterPlan): Promise<void> => {
  const dir = pkiDir(plan)
  if (existsSync(dir)) return
  const partial = `${dir}.partial`
  await rm(partial, { recursive: true, force: true })
  await mkdir(partial, { recursive: true, mode: 0o700 })
  await Promise.all(['ca', 'etcd-ca', 'front-proxy-ca'].map((name) => makeCa(partial, name)))
  await Promise.all(leaves(plan).map((leaf) => makeLeaf(partial, leaf)))
  await run('openssl', ['genrsa', '-out', join(partial, 'sa.key'), '2048'])
  await run('openssl', ['rsa', '-in', join(partial, 'sa.key'), '-pubout', '-out', join(partial, 'sa.pub')])
  for (const user of ['kube-controller-manager', 'kube-scheduler', 'kube-proxy', ...plan.nodes.map(({ name }) => name)]) {
    await replaceFile(join(partial, `${user}.kubeconfig`), await kubeconfig(plan, partial, user))
  }
  await replaceFile(kubeconfigPath(plan), await kubeconfig(plan, partial, 'admin'))
  await rename(partial, dir)
}
