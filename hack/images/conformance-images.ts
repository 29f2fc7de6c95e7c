import { ensureBinaries } from '../binaries.ts'
import { type Progress, silent } from '../progress.ts'
import { buildAll, busyboxFiles, programFiles } from './local-images.ts'
import type { ImageArchive, ImageSpec } from './oci-image.ts'

const testImage = (name: string): [string] => [`registry.k8s.io/e2e-test-images/${name}`]

/**
 * What the tests of Kubernetes run beside agnhost, busybox and pause, under the names that e2e.test v1.37 asks for (test/utils/image/manifest.go);
 * what those images hold is in test/images of the same release.
 */
export const conformanceImages = async (progress: Progress = silent): Promise<readonly ImageArchive[]> => {
  const bin = await ensureBinaries(['agnhost', 'etcd', 'etcdctl', 'etcdutl', 'nnp', 'sample-apiserver'], { progress })
  const busybox = await busyboxFiles()
  // The two pictures between which a rolling update goes are served as data about themselves.
  const picture = (name: string): ImageSpec => ({
    names: testImage(`${name}:1.8`),
    layers: [
      busybox,
      [
        { path: '/agnhost', source: bin.agnhost },
        { path: '/data.json', content: `{"image": "${name}.jpg"}\n`, mode: 0o644 },
        { path: `/${name}.jpg`, content: `${name}\n`, mode: 0o644 },
      ],
    ],
    entrypoint: ['/agnhost'],
    cmd: ['test-webserver'],
  })
  return buildAll([
    picture('kitten'),
    picture('nautilus'),
    { names: testImage('nonroot:1.5'), layers: [busybox], cmd: ['sh'], user: '1234' },
    {
      names: testImage('nonewprivs:1.4'),
      layers: [busybox, [{ path: '/usr/local/bin/nnp', source: bin.nnp, mode: 0o4755 }]],
      cmd: ['nnp'],
    },
    {
      names: testImage('glibc-dns-testing:2.1.1'),
      layers: [busybox, await programFiles(['/bin/bash', '/usr/bin/dig', '/usr/bin/getent'])],
      cmd: ['sh'],
    },
    {
      names: testImage('sample-apiserver:1.29.2'),
      layers: [[{ path: '/sample-apiserver', source: bin['sample-apiserver'] }]],
      entrypoint: ['/sample-apiserver'],
    },
    {
      names: ['registry.k8s.io/etcd:3.7.0-0'],
      layers: [
        [bin.etcd, bin.etcdctl, bin.etcdutl].map((source) => ({ path: `/usr/local/bin/${source.replace(/^.*\//, '')}`, source })),
      ],
    },
  ])
}
