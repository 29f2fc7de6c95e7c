import { z } from 'zod'
import { explainError } from '../../lib/errors.ts'
import { type SliceSituation, sliceRefusal } from '../../tenancy/slices.ts'

/** The part of an AdmissionReview (admission.k8s.io/v1) that is read here. */
export const admissionReview = z.object({
  request: z.object({
    uid: z.string().min(1).max(100),
    object: z.object({ spec: z.looseObject({ network: z.looseObject({ serviceSlice: z.string().max(64) }).optional() }) }),
  }),
})
export type AdmissionReview = z.infer<typeof admissionReview>

/** An answer as the API server takes it. */
export interface AdmissionAnswer {
  readonly apiVersion: 'admission.k8s.io/v1'
  readonly kind: 'AdmissionReview'
  readonly response: {
    readonly uid: string
    readonly allowed: boolean
    readonly status?: { readonly code: number; readonly message: string }
  }
}

/** Allowed, or refused with these words. */
export const answer = (uid: string, refusal: string | undefined): AdmissionAnswer => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  response: refusal === undefined ? { uid, allowed: true } : { uid, allowed: false, status: { code: 422, message: refusal } },
})

/** May this TenantControlPlane be created? The rest of its rules are in the schema. */
export const judge = ({ request }: AdmissionReview, situation: SliceSituation): AdmissionAnswer => {
  const slice = request.object.spec.network?.serviceSlice
  if (slice === undefined) return answer(request.uid, undefined)
  const refused = (refusal: string | undefined) =>
    answer(request.uid, refusal === undefined ? undefined : `spec.network.serviceSlice: ${refusal}`)
  try {
    return refused(sliceRefusal(slice, situation))
  } catch (error) {
    return refused(explainError(error))
  }
}
