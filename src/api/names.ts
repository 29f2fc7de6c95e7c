import { z } from 'zod'
import { maxTenantNameLength } from '../apis/tenant-control-plane.ts'
import { isReservedKey } from '../tenancy/users-labels.ts'

const dnsLabel = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/

/** Namespaces that are somebody's already, on every cluster. */
const taken = /^(kube-.*|berth-.*|default)$/

/** Of most kinds: labels with dots between them. */
const dnsSubdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
export const objectName = z.string().min(1).max(200).regex(dnsSubdomain, 'lower-case letters, digits, dashes and dots')
export const isObjectName = (text: string): boolean => text.length <= 253 && dnsSubdomain.test(text)

/** A name in a path. What cannot be one is not there: 404, as for any other that is not. */
export const isName = (text: string): boolean => text.length <= 63 && dnsLabel.test(text)

/** Of a new organisation: its namespace has the same name. */
export const organizationName = z
  .string()
  .min(1)
  .max(63)
  .regex(dnsLabel, 'lower-case letters, digits and dashes, beginning and ending with a letter or digit')
  .refine((name) => !taken.test(name), 'names that begin with kube- or berth-, and `default`, are taken')

/** Of a new tenant. */
export const tenantName = z
  .string()
  .min(1)
  .max(maxTenantNameLength)
  .regex(dnsLabel, 'lower-case letters, digits and dashes, beginning and ending with a letter or digit')

/** A label as Kubernetes takes it; keys of Berth and of Kubernetes are not for users. */
const labelKey = z
  .string()
  .min(1)
  .max(317)
  .regex(
    /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/,
    'a label key: letters, digits, dashes, dots; a domain and a slash may stand before it',
  )
  .refine((key) => !isReservedKey(key), 'labels of berth.dev, kubernetes.io and k8s.io are not for users')
const labelValue = z
  .string()
  .max(63)
  .regex(/^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/, 'at most 63 letters, digits, dashes, dots; or nothing')

const maxLabels = 32
const fewLabels = (labels: object): boolean => Object.keys(labels).length <= maxLabels

export const labels = z.record(labelKey, labelValue).refine(fewLabels, `at most ${maxLabels} labels`)
/** Of a merge patch: null takes a label away. */
export const labelChanges = z.record(labelKey, labelValue.nullable()).refine(fewLabels, `at most ${maxLabels} labels`)

/** `key=value`, as a filter says it. */
export const labelFilter = z
  .string()
  .max(400)
  .regex(/^[^=,\s]+=[^=,\s]*$/, 'key=value')
