/** What a pod's hosts file is made of. */
export interface Hosts {
  /** The pod's own addresses. */
  readonly addresses: readonly string[]
  /** The pod's own names, the whole one first. */
  readonly names: readonly string[]
  readonly aliases: readonly { readonly ip: string; readonly hostnames?: readonly string[] }[]
}

const fixedLines = [
  '# Kubernetes-managed hosts file.',
  '127.0.0.1\tlocalhost',
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::0\tip6-localnet',
  'fe00::0\tip6-mcastprefix',
  'fe00::1\tip6-allnodes',
  'fe00::2\tip6-allrouters',
]

/** A hosts file with the lines that kubelets write, the pod's own and those of its host aliases. */
export const hostsText = ({ addresses, names, aliases }: Hosts): string =>
  [
    ...fixedLines,
    ...addresses.map((address) => [address, ...names].join('\t')),
    ...(aliases.length > 0 ? ['', '# Entries added by HostAliases.'] : []),
    ...aliases.map(({ ip, hostnames = [] }) => [ip, ...hostnames].join('\t')),
    '',
  ].join('\n')
