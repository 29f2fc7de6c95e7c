import { isBerthKey } from '../../tenancy/marks.ts'
import type { V1LabelSelector } from '../pods/json-types.ts'
import { maySteer } from '../pods/labels.ts'
import type { Translation } from '../resource.ts'

const keyNotBelow = ({ matchLabels, matchExpressions }: V1LabelSelector): string | undefined =>
  [...Object.keys(matchLabels ?? {}), ...(matchExpressions ?? []).map(({ key }) => key)].find(
    (key) => isBerthKey(key) || maySteer(key),
  )

/**
 * Why pods cannot be selected so in super, or undefined when they can. Labels of Berth's own domain, and those that steer super, do not go down with a pod: a
 * selector of such a key would find other pods there than in the tenant.
 */
export const selectorRefusal = (where: string, selector: V1LabelSelector | null | undefined): Translation | undefined => {
  const key = selector ? keyNotBelow(selector) : undefined
  return key === undefined
    ? undefined
    : {
        kind: 'refused',
        reason: 'SelectorNotSupported',
        message: `${where}: label keys of the berth.dev domain, and of those that webhooks, schedulers and networks act upon, such as ${key}, select nothing where the pods run; choose another key`,
      }
}
