import type { KubeObject } from '../../apis/kube-object.ts'
import { builtInKinds, knownCustomKinds, type TenantKind } from '../../tenancy/kinds.ts'
import { mirroredLabel } from '../../tenancy/marks.ts'
import { bootstrapUser, tenantGroups } from '../names.ts'
import type { Plane } from './plane.ts'

/** Stands in the text of each warning. */
const name = 'berth-not-in-force'
const apiVersion = 'admissionregistration.k8s.io/v1'

const warned = (kinds: readonly TenantKind[]) =>
  kinds.flatMap((kind) => (kind.warning ? [{ ...kind, warning: kind.warning }] : []))

/**
 * Tells who writes an object by hand that nothing will act on it. It warns and never refuses: an object that is only stored harms nobody, charts bring such
 * objects along, and a tenant's administrator could take a refusal away. What may reach super is decided by the syncer.
 */
export const notInForce = ({ spec }: Pick<Plane, 'spec'>): readonly KubeObject[] => {
  const { customKinds } = spec.sync
  const isCarried = (kind: TenantKind) => customKinds.some(({ group, plural }) => group === kind.group && plural === kind.plural)
  const rows = warned([...builtInKinds, ...knownCustomKinds].filter((kind) => !isCarried(kind)))
  const groups = [...new Set(rows.map(({ group }) => group))]
  return [
    {
      apiVersion,
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name },
      spec: {
        // Never in the way: what the policy itself cannot answer is let through.
        failurePolicy: 'Ignore',
        matchConstraints: {
          resourceRules: groups.map((group) => ({
            apiGroups: [group],
            apiVersions: ['*'],
            operations: ['CREATE', 'UPDATE'],
            resources: rows.filter((row) => row.group === group).map(({ plural }) => plural),
          })),
        },
        matchConditions: [
          {
            name: 'by-hand',
            // Berth's own identities, and the controllers of the tenant's control plane, which read no warnings.
            expression: [
              `request.userInfo.username != '${bootstrapUser}'`,
              `!('${tenantGroups.syncer}' in request.userInfo.groups)`,
              "!('system:serviceaccounts:kube-system' in request.userInfo.groups)",
              "request.userInfo.username != 'system:kube-controller-manager'",
            ].join(' && '),
          },
        ],
        validations: [
          ...rows.map(({ group, plural, warning: { says, when = "request.operation == 'CREATE'" } }) => ({
            expression: `request.resource.group != '${group}' || request.resource.resource != '${plural}' || !(${when})`,
            message: says,
          })),
          {
            expression: `request.operation != 'UPDATE' || request.resource.resource == 'nodes' || !has(oldObject.metadata.labels) || !('${mirroredLabel}' in oldObject.metadata.labels)`,
            message: 'this object came from the platform, which puts back what it says of it',
          },
        ],
      },
    },
    {
      apiVersion,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name },
      spec: { policyName: name, validationActions: ['Warn', 'Audit'] },
    },
  ]
}
