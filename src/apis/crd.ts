import { cloneRules } from './clone.ts'
import { diskSizeRule } from './data-store-spec.ts'
import { conditionPath, definitionOf } from './definition.ts'
import type { KubeObject } from './kube-object.ts'
import { resourceTypes } from './resource-types.ts'
import type { StoredDefaults } from './structural-schema.ts'
import { maxTenantNameLength, tenantControlPlaneSpec } from './tenant-control-plane.ts'
import { tenantControlPlaneStatus } from './tenant-status.ts'

/** In CEL: minor (1) or patch (2) of a version. */
const part = (version: string, index: 1 | 2): string => `int(${version}.split('.')[${index}])`

/** A rule on a version that is said, against the one said before. Where none was said, what the tenant runs counts: it may have come from a class. */
const versionRule = (compare: (now: string, old: string) => string): string => {
  const [now, old, ran] = ['self.spec.version', 'oldSelf.spec.version', 'oldSelf.status.version']
  const isUnknown = `(!has(${old}) && (!has(oldSelf.status) || !has(${ran})))`
  return `!has(${now}) || ${isUnknown} || (has(${old}) ? (${compare(now, old)}) : (${compare(now, ran)}))`
}

/** An upgrade that is not done can be taken back. */
const isTakenBack =
  "(has(self.status) && has(self.status.upgrade) && self.status.upgrade.phase != 'Done' && self.spec.version == self.status.upgrade.from)"

/** The CustomResourceDefinition of TenantControlPlane. */
export const tenantControlPlaneCrd = (storedDefaults: StoredDefaults = 'groups'): KubeObject =>
  definitionOf({
    type: resourceTypes.tenantControlPlanes,
    shortName: 'tcp',
    description: 'A Kubernetes cluster of its own for one tenant: its control plane, and how it lives on the super cluster.',
    columns: [
      { name: 'Version', type: 'string', jsonPath: '.status.version' },
      { name: 'Endpoint', type: 'string', jsonPath: '.status.endpoint' },
      { name: 'Ready', type: 'string', jsonPath: conditionPath('Ready', 'status') },
      { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
      { name: 'Class', type: 'string', jsonPath: '.spec.className', priority: 1 },
      { name: 'Slice', type: 'string', jsonPath: '.status.serviceSlice', priority: 1 },
      { name: 'Quota', type: 'string', jsonPath: '.status.quota.fullest', priority: 1 },
      { name: 'Reason', type: 'string', jsonPath: conditionPath('Ready', 'reason'), priority: 1 },
      { name: 'Message', type: 'string', jsonPath: conditionPath('Ready', 'message'), priority: 1 },
    ],
    spec: tenantControlPlaneSpec.prefault({}).meta({
      'x-kubernetes-validations': [
        {
          rule: '!has(oldSelf.className) || has(self.className)',
          message: 'className cannot be taken away, as its limits would go with it: name another class',
          fieldPath: '.className',
        },
        {
          rule: '!has(self.backup.schedule) || has(self.backup.storage) || has(self.className)',
          message: 'a schedule needs a storage',
          fieldPath: '.backup.storage',
        },
      ],
    }),
    // What a user did not write may come from a class, so it is not filled in when it is stored.
    storedDefaults,
    status: tenantControlPlaneStatus,
    rules: [
      {
        rule: `self.metadata.name.size() <= ${maxTenantNameLength}`,
        message: `metadata.name may have at most ${maxTenantNameLength} characters: other names are made of it`,
      },
      ...cloneRules,
      diskSizeRule,
      {
        rule: versionRule(
          (now, old) =>
            `${isTakenBack} || ${part(now, 1)} > ${part(old, 1)} || (${part(now, 1)} == ${part(old, 1)} && ${part(now, 2)} >= ${part(old, 2)})`,
        ),
        message: 'version cannot go back: Kubernetes does not read data of a newer version',
        fieldPath: '.spec.version',
      },
      {
        rule: versionRule((now, old) => `${part(now, 1)} <= ${part(old, 1)} + 1`),
        message: 'version moves one minor at a time: upgrade to the next minor first',
        fieldPath: '.spec.version',
      },
    ],
  })
