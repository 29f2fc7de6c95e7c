/** How an annotation of an Ingress goes on: down to super, not at all because super's controllers do not read it, or it may not. */
export type AnnotationFate = 'pass' | 'stay' | 'refuse'

const flag = /^(true|false)$/
const number = /^\d{1,9}$/
const size = /^\d{1,9}[kKmMgG]?$/
const path = /^\/[A-Za-z0-9/$._~-]{0,200}$/
const list = /^[A-Za-z0-9*,: /._-]{0,1000}$/
const nginx = 'nginx.ingress.kubernetes.io/'

/**
 * Annotations that go down without the operator's word, with the values that they may have. Controllers paste values into their configuration, and more
 * than once that gave away every Secret of the cluster (CVE-2021-25742, CVE-2023-5044, CVE-2025-1097): so only what cannot hold more than it says.
 */
export const knownAnnotations: Readonly<Record<string, RegExp>> = {
  [`${nginx}affinity`]: /^cookie$/,
  [`${nginx}backend-protocol`]: /^(AUTO_HTTP|HTTP|HTTPS|GRPC|GRPCS)$/,
  [`${nginx}client-body-buffer-size`]: size,
  [`${nginx}cors-allow-headers`]: list,
  [`${nginx}cors-allow-methods`]: list,
  [`${nginx}cors-allow-origin`]: list,
  [`${nginx}cors-max-age`]: number,
  [`${nginx}enable-cors`]: flag,
  [`${nginx}force-ssl-redirect`]: flag,
  [`${nginx}limit-connections`]: number,
  [`${nginx}limit-rpm`]: number,
  [`${nginx}limit-rps`]: number,
  [`${nginx}proxy-body-size`]: size,
  [`${nginx}proxy-buffering`]: /^(on|off)$/,
  [`${nginx}proxy-connect-timeout`]: number,
  [`${nginx}proxy-read-timeout`]: number,
  [`${nginx}proxy-send-timeout`]: number,
  [`${nginx}rewrite-target`]: path,
  [`${nginx}session-cookie-max-age`]: number,
  [`${nginx}ssl-redirect`]: flag,
  [`${nginx}use-regex`]: flag,
  [`${nginx}whitelist-source-range`]: /^[0-9a-fA-F.:/, ]{1,1000}$/,
}

/** Domains, and ends of domains, whose annotations Ingress controllers act upon. */
const controllerDomains: readonly string[] = [
  'ingress.kubernetes.io',
  'ingress.cloud.google.com',
  'networking.gke.io',
  'haproxy.org',
  'haproxy.com',
  'haproxy-ingress.github.io',
  'konghq.com',
  'nginx.org',
  'nginx.com',
  'projectcontour.io',
  'traefik.io',
  'traefik.containo.us',
  'angie.software',
  'appgw.ingress.kubernetes.io',
]

const ofController = (key: string): boolean => {
  const [domain = '', name] = key.split('/', 2)
  if (name === undefined) return false
  return (
    // `kubernetes.io/ingress.class` is read as the class, the others of that name are a controller's.
    (domain === 'kubernetes.io' && name.startsWith('ingress.')) ||
    domain.includes('ingress') ||
    controllerDomains.some((known) => domain === known || domain.endsWith(`.${known}`))
  )
}

/** True for a key that one of the patterns names; `*` at the end of a pattern stands for all that begin so. */
export const isNamed = (key: string, allowed: readonly string[]): boolean =>
  allowed.some((pattern) => (pattern.endsWith('*') ? key.startsWith(pattern.slice(0, -1)) : key === pattern))

/**
 * What becomes of one annotation. `allowed` are the keys that the operator lets through with any value, with `*` at the end for all that begin so.
 * An annotation that a controller would act upon and that may not pass refuses the Ingress: without its access rule, say, it would be another one.
 */
export const annotationFate = (key: string, value: string, allowed: readonly string[]): AnnotationFate => {
  if (isNamed(key, allowed)) return 'pass'
  const known = Object.hasOwn(knownAnnotations, key) ? knownAnnotations[key] : undefined
  if (known?.test(value)) return 'pass'
  return ofController(key) ? 'refuse' : 'stay'
}
