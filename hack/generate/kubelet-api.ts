import { type KubeletPath, kubeletPaths } from '../../src/vn-agent/kubelet-paths.ts'

const fates: Readonly<Record<KubeletPath['fate'], string>> = {
  session: "goes on to the tenant's own pod",
  filtered: "the tenant's part of it",
  answered: 'answered',
  absent: '404',
}

const row = ({ path, methods, fate, why }: KubeletPath): string =>
  `| ${methods.join(', ')} \`${path}\` | ${fates[fate]} | ${why} |`

/** The page on what a tenant finds where it looks for a kubelet. */
export const kubeletApiPage = (notice: string): string => `<!-- ${notice} -->
# What a node answers

To a tenant, port 10550 of a node is its kubelet. vn-agent is behind it. These are all the paths of a kubelet of Kubernetes 1.37, and what becomes of each.

| Request | Outcome | Why |
|---|---|---|
${kubeletPaths.map(row).join('\n')}

## Who may ask

- The tenant's API server, by a client certificate that names the tenant: everything above. It has asked its own RBAC before (\`nodes/proxy\`, \`pods/exec\`, ...).
- A service account of the tenant, by its token, as metrics servers do: what is filtered or answered. vn-agent knows the tenant by the key that signed the token
  and asks the tenant's API server, with the token, whether its bearer may \`get\` the subresource \`metrics\`, \`stats\`, or \`pods\` (else \`proxy\`) of the Node; the
  answer is remembered for 10 seconds. The certificate that vn-agent shows is signed by an authority that is in the tenant's \`kube-root-ca.crt\`, so a metrics server needs no
  flag for it.
- Nobody else.

## What the figures are

- A page of the kubelet is read once in five seconds at most, for all tenants together, with vn-agent's own account, which has \`get\` on \`nodes/metrics\` and \`nodes/stats\` and no right
  to \`nodes/proxy\`.
- Series pass when they are of a pod (or claim) of the tenant and carry known labels only. Namespaces, UIDs and the \`id\` of control groups are the tenant's.
- A node's use is what the tenant's own pods use. Its CPU counter never falls while vn-agent runs, though pods come and go. Capacity is the node's true one.
- A tenant may ask 10 times a second; then it gets 429.

## The way on of sessions

\`--via api\` (the default): by super's API, in the tenant's name; super's RBAC and audit see the tenant. \`--via kubelet\`: straight to the node's kubelet, one hop less, in vn-agent's own name.
It takes the right \`nodes/proxy\`, which is a right to every pod of the node; the check of the owner in vn-agent is then all that stands between tenants.
\`kubectl apply -k manifests/options/vn-agent-kubelet\` sets it up.
`
