import { z } from 'zod'

const portNumber = z.int().min(1).max(65_535)

/** By which name and over which way people outside of super come to a tenant's API server. */
export const exposure = z
  .object({
    type: z
      .enum(['ClusterIP', 'NodePort', 'LoadBalancer'])
      .default('ClusterIP')
      .describe(
        'ClusterIP: the first address of the slice, in super only. NodePort: also a port of every node of super. LoadBalancer: also an address of a load balancer of super',
      ),
    hostname: z
      .string()
      .min(1)
      .max(253)
      .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/)
      .optional()
      .describe(
        'DNS name, or IPv4 address, that the kubeconfig names instead of the address of a node or load balancer. That it leads there is for whoever runs the DNS, or an ingress that passes TLS through',
      ),
    port: portNumber.optional().describe('Port that the kubeconfig names beside `hostname`; default: 443, or the node port'),
    nodePort: portNumber.optional().describe('The node port; default: super picks one'),
    loadBalancerClass: z.string().min(1).max(253).optional().describe('Which load balancer of super; default: its default one'),
    annotations: z
      .record(z.string().max(317), z.string().max(1024))
      .meta({ maxProperties: 32 })
      .optional()
      .describe('Annotations of the load balancer Service: what its controller is told'),
    sourceRanges: z
      .array(z.string().min(1).max(49))
      .max(64)
      .optional()
      .describe('CIDRs that may come by the load balancer; default: all')
      .meta({
        'x-kubernetes-validations': [
          { rule: 'self.all(range, isCIDR(range))', message: 'each must be a CIDR, for example 203.0.113.0/24' },
        ],
      }),
  })
  .meta({
    'x-kubernetes-validations': [
      { rule: '!has(self.port) || has(self.hostname)', message: 'port goes with hostname', fieldPath: '.port' },
      {
        rule: "!has(self.nodePort) || (has(self.type) && self.type == 'NodePort')",
        message: 'nodePort goes with type NodePort',
        fieldPath: '.nodePort',
      },
      {
        rule: "(has(self.type) && self.type == 'LoadBalancer') || (!has(self.loadBalancerClass) && !has(self.annotations) && !has(self.sourceRanges))",
        message: 'loadBalancerClass, annotations and sourceRanges go with type LoadBalancer',
      },
    ],
  })

export type Exposure = z.output<typeof exposure>
