import { resourceTypes } from '../../apis/resource-types.ts'
import { tryAll } from '../attempt.ts'
import type { Check } from '../check.ts'
import { compliantService } from '../specimens.ts'

/** What Services may not be. */
export const serviceChecks: readonly Check[] = [
  {
    // The benchmark has MTB-PL1-BC-HI-1 twice; whoever skips one must not skip both.
    id: 'MTB-PL1-BC-HI-1-NODEPORT',
    title: 'Block NodePort services',
    category: 'Host Isolation',
    origin: 'published',
    excused: ({ serviceTypes }) =>
      serviceTypes.includes('NodePort') ? 'serviceTypes has NodePort: Services may open ports of nodes' : undefined,
    run: (bench) =>
      tryAll(
        {
          type: resourceTypes.services,
          name: 'node-port',
          what: 'a Service of type NodePort',
          compliant: compliantService('node-port', bench.namespace),
          spoil: (service) => ({ ...service, spec: { ...service.spec, type: 'NodePort' } }),
          isIn: ({ spec }) => spec?.type === 'NodePort',
        },
        bench,
      ),
  },
]
