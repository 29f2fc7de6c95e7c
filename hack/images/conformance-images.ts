import { join } from 'node:path'
import { ensureBinaries } from '../binaries.ts'
import { type Progress, silent } from '../progress.ts'
import { librariesOf, unpackedPackage } from './debian.ts'
import { buildAll, busyboxFiles, programFiles } from './local-images.ts'
import type { ImageArchive, ImageSpec } from './oci-image.ts'

const nginxConfig = `daemon off;
user root;
pid /run/nginx.pid;
error_log /dev/stderr;
events {}
http {
  access_log /dev/stdout;
  default_type text/html;
  server {
    listen 80;
    root /usr/share/nginx/html;
  }
}
`

const testImage = (name: string): [string] => [`registry.k8s.io/e2e-test-images/${name}`]

/**
 * What the tests of Kubernetes run beside agnhost, busybox and pause, under the names that e2e.test v1.37 asks for (test/utils/image/manifest.go);
 * what those images hold is in test/images of the same release.
 */
export const conformanceImages = async (progress: Progress = silent): Promise<readonly ImageArchive[]> => {
  const bin = await ensureBinaries(['agnhost', 'etcd', 'etcdctl', 'etcdutl', 'nnp', 'sample-apiserver'], { progress })
  const busybox = await busyboxFiles()
  const nginx = join(await unpackedPackage('nginx'), 'usr/sbin/nginx')
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
    {
      names: ['1.27.0-2', '1.28.0-2'].map((version) => testImage(`nginx:${version}`)[0]) as [string, string],
      layers: [
        busybox,
        await librariesOf([nginx]),
        [
          { path: '/usr/sbin/nginx', source: nginx },
          { path: '/etc/nginx/nginx.conf', content: nginxConfig, mode: 0o644 },
          { path: '/usr/share/nginx/html/index.html', content: 'nginx\n', mode: 0o644 },
          { path: '/var/log/nginx', directory: true, mode: 0o777 },
          { path: '/var/lib/nginx', directory: true, mode: 0o777 },
          { path: '/run', directory: true, mode: 0o777 },
        ],
      ],
      cmd: ['/usr/sbin/nginx'],
    },
    { names: testImage('nonroot:1.5'), layers: [busybox], cmd: ['sh'], user: '1234' },
    {
      names: testImage('nonewprivs:1.4'),
      layers: [busybox, [{ path: '/usr/local/bin/nnp', source: bin.nnp, mode: 0o4755 }]],
      cmd: ['nnp'],
    },
    {
      names: testImage('glibc-dns-testing:2.1.1'),
      layers: [busybox, await programFiles(['/usr/bin/dig', '/usr/bin/getent'])],
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
