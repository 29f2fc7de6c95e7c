import { join } from 'node:path'
import type { Component } from './machine.ts'
import { pkiDir } from './pki.ts'
import type { ClusterPlan } from './plan.ts'

interface Programs {
  readonly etcd: string
  readonly 'kube-apiserver@1.37': string
  readonly 'kube-controller-manager@1.37': string
  readonly 'kube-scheduler': string
}

/** The control plane of the local cluster, on a machine of its own, so that any node can be lost. Pure. */
export const controlPlane = (
  plan: ClusterPlan,
  programs: Programs,
): readonly [etcd: Component, apiServer: Component, ...rest: Component[]] => {
  const pki = (file: string): string => join(pkiDir(plan), file)
  const component = (id: string, program: string, ...args: readonly string[]): Component => ({
    id,
    machine: plan.control,
    command: [program, ...args],
  })
  const clientOf = (name: string): string[] =>
    ['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'].map(
      (flag) => `--${flag}=${pki(`${name}.kubeconfig`)}`,
    )
  // Far above the defaults: benches must find Berth's limits, not these.
  const unthrottled = ['--kube-api-qps=1000', '--kube-api-burst=2000']
  return [
    component(
      'etcd',
      programs.etcd,
      `--data-dir=${join(plan.stateDir, 'etcd')}`,
      '--listen-client-urls=https://127.0.0.1:2379',
      '--advertise-client-urls=https://127.0.0.1:2379',
      '--listen-peer-urls=http://127.0.0.1:2380',
      `--cert-file=${pki('etcd.crt')}`,
      `--key-file=${pki('etcd.key')}`,
      '--client-cert-auth',
      `--trusted-ca-file=${pki('etcd-ca.crt')}`,
      '--quota-backend-bytes=8589934592',
      // The data may be lost with the machine; killing the process loses nothing.
      '--unsafe-no-fsync',
      '--log-level=warn',
    ),
    component(
      'kube-apiserver',
      programs['kube-apiserver@1.37'],
      `--advertise-address=${plan.control.ip}`,
      '--etcd-servers=https://127.0.0.1:2379',
      `--etcd-cafile=${pki('etcd-ca.crt')}`,
      `--etcd-certfile=${pki('etcd.crt')}`,
      `--etcd-keyfile=${pki('etcd.key')}`,
      `--client-ca-file=${pki('ca.crt')}`,
      `--tls-cert-file=${pki('apiserver.crt')}`,
      `--tls-private-key-file=${pki('apiserver.key')}`,
      `--kubelet-client-certificate=${pki('kubelet-client.crt')}`,
      `--kubelet-client-key=${pki('kubelet-client.key')}`,
      `--kubelet-certificate-authority=${pki('ca.crt')}`,
      '--kubelet-preferred-address-types=InternalIP',
      `--service-account-key-file=${pki('sa.pub')}`,
      `--service-account-signing-key-file=${pki('sa.key')}`,
      '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
      `--service-cluster-ip-range=${plan.serviceCidr}`,
      '--authorization-mode=Node,RBAC',
      '--enable-admission-plugins=NodeRestriction',
      '--allow-privileged=true',
      // Webhooks and aggregated APIs are reached at their pods: no kube-proxy runs beside the API server.
      '--enable-aggregator-routing=true',
      `--requestheader-client-ca-file=${pki('front-proxy-ca.crt')}`,
      '--requestheader-allowed-names=front-proxy-client',
      '--requestheader-extra-headers-prefix=X-Remote-Extra-',
      '--requestheader-group-headers=X-Remote-Group',
      '--requestheader-username-headers=X-Remote-User',
      `--proxy-client-cert-file=${pki('front-proxy.crt')}`,
      `--proxy-client-key-file=${pki('front-proxy.key')}`,
      '--max-requests-inflight=4000',
      '--max-mutating-requests-inflight=2000',
    ),
    component(
      'kube-controller-manager',
      programs['kube-controller-manager@1.37'],
      ...clientOf('kube-controller-manager'),
      `--root-ca-file=${pki('ca.crt')}`,
      `--service-account-private-key-file=${pki('sa.key')}`,
      `--cluster-signing-cert-file=${pki('ca.crt')}`,
      `--cluster-signing-key-file=${pki('ca.key')}`,
      '--use-service-account-credentials',
      '--leader-elect=false',
      ...unthrottled,
    ),
    component(
      'kube-scheduler',
      programs['kube-scheduler'],
      ...clientOf('kube-scheduler'),
      '--leader-elect=false',
      ...unthrottled,
    ),
  ]
}
