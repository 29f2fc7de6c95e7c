import type { KubeObject } from '../../apis/kube-object.ts'
import type { ObjectDependency, SuperBody, SyncContext, Translation } from '../resource.ts'

/** What Berth knows of a kind by declaration beside its name. */
export interface CustomRules {
  /** Fields of the status that come up where the operator names none. */
  readonly statusFields: readonly string[]
  /** `body`: what would go down of a kind of which nothing is known. */
  toSuper(object: KubeObject, ctx: SyncContext, body: SuperBody): Translation
  readonly dependencies?: (object: KubeObject) => readonly ObjectDependency[]
  /** Names that messages of super say, with what the tenant knows each as, beside that of the object's own namespace. */
  readonly names?: (object: KubeObject, ctx: SyncContext) => readonly (readonly [superName: string, tenantName: string])[]
  /** Super's status in the tenant's words, messages aside. */
  readonly status?: (
    status: Readonly<Record<string, unknown>>,
    object: KubeObject,
    ctx: SyncContext,
  ) => Readonly<Record<string, unknown>>
}
