import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { arch } from 'node:os'
import { dirname, join } from 'node:path'
import { cacheDir, contentKey } from './cache.ts'
import { withLock } from './lock.ts'
import { type Progress, silent } from './progress.ts'
import { run } from './run.ts'

interface Tool {
  /** Folder under hack/tools with the pinned Go module. */
  readonly module: string
  readonly package: string
  /** Kubernetes release whose version is stamped into it. */
  readonly release?: string
  /** The release publishes this very file, so it can be downloaded instead of built. */
  readonly published?: true
  /** It is the tests of the package, not its main. */
  readonly test?: true
}

const versions = { '1.37': 'v1.37.1', '1.36': 'v1.36.3' } as const
const kubernetes = (minor: keyof typeof versions, name: string): Tool => ({
  module: `kubernetes-${minor}`,
  package: `k8s.io/kubernetes/cmd/${name}`,
  release: versions[minor],
  published: true,
})

const tools = {
  'kube-apiserver@1.37': kubernetes('1.37', 'kube-apiserver'),
  'kube-controller-manager@1.37': kubernetes('1.37', 'kube-controller-manager'),
  'kube-scheduler': kubernetes('1.37', 'kube-scheduler'),
  kubelet: kubernetes('1.37', 'kubelet'),
  'kube-proxy': kubernetes('1.37', 'kube-proxy'),
  kubectl: kubernetes('1.37', 'kubectl'),
  agnhost: { module: 'kubernetes-1.37', package: 'k8s.io/kubernetes/test/images/agnhost' },
  'e2e.test': { module: 'conformance', package: 'k8s.io/kubernetes/test/e2e', release: versions['1.37'], test: true },
  ginkgo: { module: 'conformance', package: 'github.com/onsi/ginkgo/v2/ginkgo' },
  nnp: { module: 'conformance', package: 'k8s.io/kubernetes/test/images/nonewprivs' },
  'sample-apiserver': { module: 'conformance', package: 'k8s.io/sample-apiserver' },
  'kube-apiserver@1.36': kubernetes('1.36', 'kube-apiserver'),
  'kube-controller-manager@1.36': kubernetes('1.36', 'kube-controller-manager'),
  etcd: { module: 'etcd', package: 'go.etcd.io/etcd/server/v3' },
  etcdctl: { module: 'etcd', package: 'go.etcd.io/etcd/etcdctl/v3' },
  etcdutl: { module: 'etcd', package: 'go.etcd.io/etcd/etcdutl/v3' },
  containerd: { module: 'containerd', package: 'github.com/containerd/containerd/v2/cmd/containerd' },
  'containerd-shim-runc-v2': { module: 'containerd', package: 'github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2' },
  ctr: { module: 'containerd', package: 'github.com/containerd/containerd/v2/cmd/ctr' },
  coredns: { module: 'coredns', package: 'github.com/coredns/coredns' },
  kind: { module: 'kind', package: 'sigs.k8s.io/kind' },
  kwok: { module: 'kwok', package: 'sigs.k8s.io/kwok/cmd/kwok' },
  'kube-network-policies': {
    module: 'kube-network-policies',
    package: 'sigs.k8s.io/kube-network-policies/cmd/kube-network-policies/standard',
  },
  'metrics-server': { module: 'metrics-server', package: 'sigs.k8s.io/metrics-server/cmd/metrics-server' },
  versitygw: { module: 'versitygw', package: 'github.com/versity/versitygw/cmd/versitygw' },
  helm: { module: 'helm', package: 'helm.sh/helm/v4/cmd/helm' },
  'node-volumes': { module: 'node-volumes', package: '.' },
} as const satisfies Record<string, Tool>

/** What can be asked for: the name of the program, with `@MINOR` where more than one Kubernetes minor is served. */
export type ToolName = keyof typeof tools

const toolsDir = join(import.meta.dirname, 'tools')
const programOf = (name: ToolName): string => name.split('@')[0] ?? name

/** Without the stamp an API server calls itself v0.0.0-master, and clients compute version skew from that. */
const ldflags = (release: string | undefined): string => {
  if (!release) return '-s -w'
  const [, major, minor] = /^v(\d+)\.(\d+)\./.exec(release) ?? []
  const stamps = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((variable) => [
    `${variable}.gitVersion=${release}`,
    `${variable}.gitMajor=${major}`,
    `${variable}.gitMinor=${minor}`,
    `${variable}.gitTreeState=clean`,
  ])
  return ['-s', '-w', ...stamps.map((stamp) => `-X ${stamp}`)].join(' ')
}

/** Folder in Go's module cache with the sources of a module that hack/tools/TOOL pins. */
export const moduleDir = async (tool: string, module: string): Promise<string> =>
  (await run('go', ['list', '-mod=readonly', '-m', '-f', '{{.Dir}}', module], { cwd: join(toolsDir, tool) })).trim()

const moduleKey = async (module: string, release: string | undefined): Promise<string> => {
  const own = join(toolsDir, module, 'main.go')
  const paths = ['go.mod', 'go.sum'].map((file) => join(toolsDir, module, file)).concat(existsSync(own) ? [own] : [])
  const files = await Promise.all(paths.map((path) => readFile(path)))
  return contentKey(...files, ldflags(release), arch())
}

/** Node's name for this machine's architecture in Go's words. */
const goArch = (): string => (arch() === 'x64' ? 'amd64' : arch())

/**
 * Fetches one official binary and checks it against the SHA-256 published beside it. Gives false when the place cannot be
 * reached, so that a machine without internet access goes on to build; a wrong checksum is an error.
 */
export const download = async (release: string, program: string, path: string, origin: string): Promise<boolean> => {
  const url = `${origin}/release/${release}/bin/linux/${goArch()}/${program}`
  const get = async (address: string, timeoutMs: number): Promise<Buffer | undefined> => {
    try {
      const response = await fetch(address, { signal: AbortSignal.timeout(timeoutMs) })
      return response.ok ? Buffer.from(await response.arrayBuffer()) : undefined
    } catch {
      return undefined
    }
  }
  const published = await get(`${url}.sha256`, 3_000)
  if (!published) return false
  const content = await get(url, 10 * 60_000)
  if (!content) return false
  const sum = createHash('sha256').update(content).digest('hex')
  if (sum !== published.toString().trim().split(/\s/)[0])
    throw new Error(`${url} does not have the checksum published beside it; it has ${sum}`)
  await writeFile(path, content)
  return true
}

const releaseOrigin = (): string => process.env['BERTH_RELEASE_MIRROR'] ?? 'https://dl.k8s.io'

const build = async ({ module, package: path, release, test }: Tool, target: string): Promise<void> => {
  const verb = test ? ['test', '-c'] : ['build']
  await run('go', [...verb, '-mod=readonly', '-trimpath', '-ldflags', ldflags(release), '-o', target, path], {
    cwd: join(toolsDir, module),
    env: { CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false', GOWORK: 'off' },
    timeoutMs: 60 * 60_000,
  })
}

/**
 * Gives the path of each program, made where it is missing: fetched from the official release, else built from the pinned
 * module. Kept by content, so a changed pin makes a new file and an unchanged one costs a look. Builds run one at a time on
 * this machine, whoever asks. A killed build leaves nothing that looks finished.
 */
export const ensureBinaries = async <N extends ToolName>(
  names: readonly N[],
  { progress = silent, deadlineMs = 60 * 60_000 }: { progress?: Progress; deadlineMs?: number } = {},
): Promise<Readonly<Record<N, string>>> => {
  const paths = {} as Record<N, string>
  for (const name of names) {
    const tool: Tool = tools[name]
    paths[name] = join(cacheDir(), 'bin', `${tool.module}-${await moduleKey(tool.module, tool.release)}`, programOf(name))
  }
  const missing = names.filter((name) => !existsSync(paths[name]))
  if (missing.length === 0) return paths
  await withLock(
    join(cacheDir(), 'locks', 'build'),
    async () => {
      let reachable = true
      for (const name of missing.filter((each) => !existsSync(paths[each]))) {
        const tool: Tool = tools[name]
        const began = Date.now()
        const partial = `${paths[name]}.${process.pid}.partial`
        await mkdir(dirname(partial), { recursive: true })
        progress(`making ${name} (${tool.module})`)
        try {
          reachable =
            tool.published && tool.release !== undefined && reachable
              ? await download(tool.release, programOf(name), partial, releaseOrigin())
              : reachable
          if (!tool.published || !reachable) await build(tool, partial)
          await chmod(partial, 0o755)
          await rename(partial, paths[name])
        } finally {
          await rm(partial, { force: true })
        }
        progress(`made ${name} in ${((Date.now() - began) / 1000).toFixed(0)} s`)
      }
    },
    { deadlineMs, onWait: () => progress('waiting for another build on this machine') },
  )
  return paths
}
