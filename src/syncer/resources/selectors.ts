import { isBerthKey } from '../../tenancy/marks.ts'
import type { V1LabelSelector } from '../pods/json-types.ts'
import type { Translation } from '../resource.ts'

const berthKeyOf = ({ matchLabels, matchExpressions }: V1LabelSelector): string | undefined =>
  [...Object.keys(matchLabels ?? {}), ...(matchExpressions ?? []).map(({ key }) => key)].find(isBerthKey)

/**
 * Why pods cannot be selected so in super, or undefined when they can. Labels of Berth's own domain do not go down with a pod: a selector of such a key
 * would find other pods there than in the tenant.
 */
export const selectorRefusal = (where: string, selector: V1LabelSelector | null | undefined): Translation | undefined => {
  const key = selector ? berthKeyOf(selector) : undefined
  return key === undefined
    ? undefined
    : {
        kind: 'refused',
        reason: 'SelectorNotSupported',
        message: `${where}: label keys of the berth.dev domain, such as ${key}, select nothing where the pods run; choose another key`,
      }
}
