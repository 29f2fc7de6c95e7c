import { dirname, join } from 'node:path'
import versions from '../../images/versions.json' with { type: 'json' }
import type { Component } from './machine.ts'
import { pkiDir } from './pki.ts'
import type { ClusterPlan, NodeMachine } from './plan.ts'
import { registryUrl } from './registry.ts'

interface Programs {
  readonly containerd: string
  readonly kubelet: string
  readonly 'kube-proxy': string
}

/** A configuration file of a node. */
interface ConfigFile {
  readonly path: string
  readonly content: string
}

/** What a node is made of: files to write, then programs to start in this order. */
export interface NodeParts {
  readonly files: readonly ConfigFile[]
  readonly containerd: Component
  readonly kubelet: Component
  readonly kubeProxy: Component
}

/** The same path on the node and outside of it, so that `ctr` needs no way into the node. */
export const containerdSocket = (node: NodeMachine): string => join(node.dir, 'containerd.sock')

const containerdConfig = (node: NodeMachine): string => `version = 4
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "registry.k8s.io/pause:${versions.pause}"
[plugins.'io.containerd.cri.v1.images'.registry]
  config_path = "${join(node.dir, 'registries')}"
[plugins.'io.containerd.cri.v1.runtime']
  # Without CAP_SYS_RESOURCE nothing may get a lower OOM score than its parent, and every sandbox would fail.
  restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ["/usr/lib/cni"]
  conf_dir = "${join(node.dir, 'cni')}"
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  SystemdCgroup = false
`

/** One registry for the images of all names, and no other after it: no node reaches any. */
const registryHosts = (plan: ClusterPlan): string => `server = "${registryUrl(plan)}"
[host."${registryUrl(plan)}"]
  capabilities = ["pull", "resolve"]
`

/**
 * Each pod has its own cable to the node and no bridge: packets between two pods of one node pass its routing, where Service
 * addresses are undone and network policies are asked, with or without br_netfilter.
 */
const cniConfig = (node: NodeMachine): unknown => ({
  cniVersion: '1.0.0',
  name: 'berth',
  plugins: [
    {
      type: 'ptp',
      mtu: 1500,
      ipam: {
        type: 'host-local',
        dataDir: '/run/cni-ipam',
        ranges: [[{ subnet: node.podCidr }]],
        routes: [{ dst: '0.0.0.0/0' }],
      },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
})

const kubeletConfig = (plan: ClusterPlan, node: NodeMachine): unknown => {
  const pki = (file: string): string => join(pkiDir(plan), file)
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    failCgroupV1: false,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: node.cgroupRoot,
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509: { clientCAFile: pki('ca.crt') } },
    authorization: { mode: 'Webhook' },
    clusterDNS: [plan.dnsIp],
    clusterDomain: 'cluster.local',
    tlsCertFile: pki(`${node.name}.crt`),
    tlsPrivateKeyFile: pki(`${node.name}.key`),
    containerRuntimeEndpoint: `unix://${containerdSocket(node)}`,
    failSwapOn: false,
    maxPods: 250,
    resolvConf: join(node.dir, 'resolv.conf'),
    evictionHard: { 'memory.available': '200Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    // Images are imported and cannot be pulled again: none is ever collected.
    imageGCHighThresholdPercent: 100,
    kubeAPIQPS: 200,
    kubeAPIBurst: 400,
    eventRecordQPS: 100,
  }
}

/** The parts of one node. Pure. */
export const nodeParts = (plan: ClusterPlan, node: NodeMachine, programs: Programs): NodeParts => {
  const path = (file: string): string => join(node.dir, file)
  const containerd = containerdConfig(node)
  const kubelet = JSON.stringify(kubeletConfig(plan, node))
  const files = [
    { path: path('containerd.toml'), content: containerd },
    { path: path('registries/_default/hosts.toml'), content: registryHosts(plan) },
    { path: path('cni/10-berth.conflist'), content: JSON.stringify(cniConfig(node)) },
    { path: path('kubelet.json'), content: kubelet },
    // Nobody answers there: the cluster has no names but its own.
    { path: path('resolv.conf'), content: 'nameserver 127.0.0.1\n' },
  ]
  const component = (id: string, command: readonly [string, ...string[]]): Component => ({
    id: `${id}-${node.name}`,
    machine: node,
    command,
  })
  return {
    files,
    containerd: {
      ...component('containerd', [programs.containerd, '--config', path('containerd.toml'), '--address', containerdSocket(node)]),
      env: { PATH: `${dirname(programs.containerd)}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin` },
      config: containerd,
    },
    kubelet: {
      ...component('kubelet', [
        programs.kubelet,
        `--config=${path('kubelet.json')}`,
        `--kubeconfig=${join(pkiDir(plan), `${node.name}.kubeconfig`)}`,
        `--hostname-override=${node.name}`,
        `--node-ip=${node.ip}`,
      ]),
      config: kubelet,
    },
    kubeProxy: component('kube-proxy', [
      programs['kube-proxy'],
      `--kubeconfig=${join(pkiDir(plan), 'kube-proxy.kubeconfig')}`,
      `--hostname-override=${node.name}`,
      '--proxy-mode=nftables',
      // The limit is the machine's and not to be changed from a network namespace.
      '--conntrack-max-per-core=0',
      `--cluster-cidr=${plan.podCidr}`,
    ]),
  }
}
