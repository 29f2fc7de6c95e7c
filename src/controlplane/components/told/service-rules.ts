import { serviceTypes } from '../../../apis/isolation.ts'
import type { IsolationSettings } from '../../../tenancy/isolation.ts'
import { field, list, listAt, text, when } from './cel.ts'
import type { Rule } from './rule.ts'

const hijack = 'it would draw traffic of that address from every node (CVE-2020-8554)'

/** What Services of a tenant may not ask for. What an update leaves as it was is not told again: it could not be repaired step by step. */
export const serviceRules = ({ serviceTypes: allowed }: Pick<IsolationSettings, 'serviceTypes'>): readonly Rule[] => {
  const refused = serviceTypes.filter((type) => !allowed.includes(type))
  const old = (path: string, without: string) =>
    `(request.operation == 'UPDATE' ? ${field('oldObject', `spec.${path}`)}.orValue(${without}) : ${without})`
  return [
    {
      name: 'externalIPs',
      refused: when(
        `size(${listAt('variables.spec', 'externalIPs')}) > 0 && variables.spec.externalIPs != ${old('externalIPs', '[]')}`,
        text(`spec.externalIPs: ${hijack}`),
      ),
    },
    {
      name: 'loadBalancerIP',
      refused: when(
        `has(variables.spec.loadBalancerIP) && variables.spec.loadBalancerIP != '' && variables.spec.loadBalancerIP != ${old('loadBalancerIP', "''")}`,
        text(`spec.loadBalancerIP: ${hijack}; let the load balancer choose`),
      ),
    },
    ...(refused.length > 0
      ? [
          {
            name: 'type',
            refused: when(
              `variables.spec.type in ${list(refused)} && variables.spec.type != ${old('type', "''")}`,
              `'spec.type: Services of type ' + variables.spec.type + ' are not offered here' + ${text("; the platform's operator can allow them by isolation.serviceTypes")}`,
            ),
          },
        ]
      : []),
  ]
}
