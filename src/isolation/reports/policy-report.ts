import type { KubeObject } from '../../apis/kube-object.ts'
import { apiVersionOf, resourceTypes } from '../../apis/resource-types.ts'
import type { TenantRef } from '../../tenancy/names.ts'
import type { CheckResult, Result } from '../check.ts'
import { scoreOf } from '../run.ts'

const words: Readonly<Record<Result, 'pass' | 'fail' | 'error' | 'skip'>> = {
  pass: 'pass',
  fail: 'fail',
  error: 'error',
  'not-applicable': 'skip',
}

/** Name of a report: a DNS label, whatever the length of the tenant's name. */
const reportName = (tenant: string): string => `isolation-${tenant}`.slice(0, 63).replace(/[-.]+$/, '')

/** A PolicyReport (wgpolicyk8s.io/v1alpha2) about the TenantControlPlane, for `kubectl apply`. */
export const policyReport = (
  results: readonly CheckResult[],
  { tenant, at }: { readonly tenant: TenantRef; readonly at: Date },
): KubeObject => {
  const { pass, fail, error, notApplicable } = scoreOf(results)
  const { name, namespace, uid } = tenant
  const timestamp = { seconds: Math.floor(at.getTime() / 1000), nanos: 0 }
  return {
    apiVersion: 'wgpolicyk8s.io/v1alpha2',
    kind: 'PolicyReport',
    metadata: { name: reportName(name), namespace },
    scope: { apiVersion: apiVersionOf(resourceTypes.tenantControlPlanes), kind: 'TenantControlPlane', name, namespace, uid },
    summary: { pass, fail, warn: 0, error, skip: notApplicable },
    results: results.map(({ id, title, category, origin, result, message, evidence }) => ({
      source: 'berth isolation verify',
      policy: id,
      rule: title,
      category,
      result: words[result],
      message,
      timestamp,
      properties: Object.fromEntries([
        ['origin', origin],
        ...evidence.map(({ layer, saw }, index) => [`seen-${index + 1}`, `${layer}: ${saw}`]),
      ]),
    })),
  }
}
