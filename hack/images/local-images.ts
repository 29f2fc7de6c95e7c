import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import versions from '../../images/versions.json' with { type: 'json' }
import { ensureBinaries, moduleDir } from '../binaries.ts'
import { type Progress, silent } from '../progress.ts'
import { run } from '../run.ts'
import { librariesOf } from './debian.ts'
import { buildImage, type ImageArchive, type ImageFile, type ImageSpec } from './oci-image.ts'
import { redisFiles } from './redis.ts'

const nonRoot = '65532:65532'

/** A static init that sleeps and reaps: Debian's. */
const catatonitPath = '/usr/bin/catatonit'

const busyboxPath = '/bin/busybox'

/** Programs of this machine with their libraries, in /usr/bin, where they come before busybox's. */
export const programFiles = async (paths: readonly string[]): Promise<readonly ImageFile[]> => {
  const programs = paths.map((path) => realpathSync(path))
  return [
    ...programs.map((source) => ({ path: `/usr/bin/${source.replace(/^.*\//, '').replace('nc.openbsd', 'nc')}`, source })),
    ...(await librariesOf(programs)),
  ]
}

/**
 * Busybox under each of its names, with the folders and users a small Linux has. The shell is bash: busybox's own prefers its applets
 * to the programs in PATH, of which Debian's crashes at `wget -T`, and dash loses variables with names such as `data-1`.
 */
export const busyboxFiles = async (): Promise<readonly ImageFile[]> => {
  const applets = (await run(busyboxPath, ['--list']))
    .split('\n')
    .filter((name) => name && !['bash', 'busybox', 'sh', 'wget'].includes(name))
  return [
    { path: '/bin/busybox', source: busyboxPath },
    ...(await programFiles(['/bin/bash', '/usr/bin/wget'])),
    { path: '/bin/sh', linkTo: '../usr/bin/bash' },
    ...applets.map((name) => ({ path: `/bin/${name}`, linkTo: 'busybox' })),
    { path: '/tmp', directory: true, mode: 0o1777 },
    { path: '/root', directory: true, mode: 0o700 },
    {
      path: '/etc/passwd',
      content: 'root:x:0:0:root:/root:/bin/sh\nuser-defined-in-image:x:1000:1000::/:/bin/sh\n',
      mode: 0o644,
    },
    {
      path: '/etc/group',
      content: 'root:x:0:\nuser-defined-in-image:x:1000:\ngroup-defined-in-image:x:50000:user-defined-in-image\n',
      mode: 0o644,
    },
  ]
}

/** Kubernetes' own images have no entry point that a manifest could rely on: it names the command. */
const component = (name: string, version: string, ...programs: readonly string[]): ImageSpec => ({
  names: [`registry.k8s.io/${name}:${version}`],
  layers: [programs.map((source) => ({ path: `/usr/local/bin/${source.slice(source.lastIndexOf('/') + 1)}`, source }))],
})

/** What the cluster's own pods run. Nodes need these before anything else. */
export const systemImages = async (progress: Progress = silent): Promise<readonly ImageArchive[]> => {
  const bin = await ensureBinaries(['coredns', 'kube-network-policies', 'node-volumes'], { progress })
  const busybox = await busyboxFiles()
  return buildAll([
    {
      names: [`registry.k8s.io/pause:${versions.pause}`],
      layers: [[{ path: '/pause', source: catatonitPath }]],
      entrypoint: ['/pause', '-P'],
      user: '65535:65535',
    },
    {
      names: [`registry.k8s.io/coredns/coredns:${versions.coredns}`],
      layers: [[{ path: '/coredns', source: bin.coredns }]],
      entrypoint: ['/coredns'],
      user: nonRoot,
    },
    {
      names: [`registry.k8s.io/networking/kube-network-policies:${versions.kubeNetworkPolicies}`],
      layers: [[{ path: '/bin/netpol', source: bin['kube-network-policies'] }]],
      entrypoint: ['/bin/netpol'],
    },
    {
      names: [`berth.local/node-volumes:${versions.nodeVolumes}`],
      layers: [[{ path: '/node-volumes', source: bin['node-volumes'] }]],
      entrypoint: ['/node-volumes'],
    },
    {
      names: [`docker.io/library/busybox:${versions.busybox}`, `registry.k8s.io/e2e-test-images/busybox:${versions.busyboxE2e}`],
      layers: [busybox],
      cmd: ['sh'],
    },
  ])
}

/** What tenants' control planes, samples and tests run. */
export const tenantImages = async (progress: Progress = silent): Promise<readonly ImageArchive[]> => {
  const bin = await ensureBinaries(
    [
      'etcd',
      'etcdctl',
      'etcdutl',
      'agnhost',
      'coredns',
      'kube-apiserver@1.37',
      'kube-controller-manager@1.37',
      'kube-apiserver@1.36',
      'kube-controller-manager@1.36',
      'metrics-server',
      'versitygw',
    ],
    { progress },
  )
  const busybox = await busyboxFiles()
  const porter = join(await moduleDir('kubernetes-1.37', 'k8s.io/kubernetes'), 'test/images/agnhost/porter')
  const { '1.37': newest, '1.36': older } = versions.kubernetes
  return buildAll([
    component('etcd', versions.etcd, bin.etcd, bin.etcdctl, bin.etcdutl),
    component('kube-apiserver', newest, bin['kube-apiserver@1.37']),
    component('kube-controller-manager', newest, bin['kube-controller-manager@1.37']),
    component('kube-apiserver', older, bin['kube-apiserver@1.36']),
    component('kube-controller-manager', older, bin['kube-controller-manager@1.36']),
    {
      names: [`registry.k8s.io/metrics-server/metrics-server:${versions.metricsServer}`],
      layers: [[{ path: '/metrics-server', source: bin['metrics-server'] }]],
      entrypoint: ['/metrics-server'],
    },
    {
      names: [`docker.io/versity/versitygw:${versions.versitygw}`],
      layers: [
        [
          { path: '/usr/local/bin/versitygw', source: bin.versitygw },
          { path: '/data', directory: true, mode: 0o777 },
        ],
      ],
      entrypoint: ['/usr/local/bin/versitygw'],
      user: nonRoot,
    },
    {
      names: [`docker.io/library/redis:${versions.redis}`],
      layers: [busybox, [...(await redisFiles()), { path: '/data', directory: true, mode: 0o777 }]],
      user: '999:999',
    },
    {
      names: [versions.agnhost, versions.agnhostPrevious].map(
        (version) => `registry.k8s.io/e2e-test-images/agnhost:${version}`,
      ) as [string, string],
      layers: [
        busybox,
        // What tests of Kubernetes call inside agnhost beside busybox.
        await programFiles([
          '/usr/bin/curl',
          '/usr/bin/dig',
          '/usr/bin/getent',
          '/bin/nc.openbsd',
          '/bin/ip',
          '/usr/bin/ss',
          '/usr/bin/socat',
        ]),
        [
          // The key pair it serves TLS with when told to, valid for localhost.
          { path: '/localhost.crt', source: join(porter, 'localhost.crt'), mode: 0o644 },
          { path: '/localhost.key', source: join(porter, 'localhost.key'), mode: 0o644 },
          { path: '/coredns', source: bin.coredns },
          { path: '/agnhost', source: bin.agnhost },
          { path: '/agnhost-2', linkTo: 'agnhost' },
          { path: '/uploads', directory: true, mode: 0o777 },
        ],
      ],
      entrypoint: ['/agnhost'],
      cmd: ['pause'],
    },
  ])
}

export const buildAll = async (specs: readonly ImageSpec[]): Promise<ImageArchive[]> => {
  const archives: ImageArchive[] = []
  for (const spec of specs) archives.push(await buildImage(spec))
  return archives
}
