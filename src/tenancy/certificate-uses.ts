/** What each key of a tenant's control plane is for, by `secret/name`, for people. */
export const certificateUses: Readonly<Record<string, string>> = {
  'cluster-ca/tls': 'authority of the API server and its clients',
  'etcd-ca/tls': 'authority of etcd and its clients',
  'front-proxy-ca/tls': 'authority of the API server towards extension API servers',
  'service-account-keys/sa': 'signs service-account tokens',
  'etcd-keys/server': 'etcd, towards the API server',
  'etcd-keys/peer': 'etcd, among its members',
  'kube-apiserver-keys/serving': 'API server, towards everybody',
  'kube-apiserver-keys/etcd-client': 'API server at etcd',
  'kube-apiserver-keys/front-proxy-client': 'API server at extension API servers',
  'kube-apiserver-keys/agent-client': 'API server at vn-agent',
  'kube-controller-manager-keys/client': 'controller manager at the API server',
  'admin-client/client': 'administrators, in the published kubeconfig',
  'syncer-kubeconfig/client': 'syncer at the API server',
  'meter-kubeconfig/client': 'who measures usage, at the API server',
}
