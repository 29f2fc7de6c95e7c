import { expect, test } from 'vitest'
import { type AnnotationFate, annotationFate } from './ingress-annotations.ts'

test.for<[key: string, value: string, fate: AnnotationFate, allowed?: string[]]>([
  ['nginx.ingress.kubernetes.io/ssl-redirect', 'true', 'pass'],
  ['nginx.ingress.kubernetes.io/ssl-redirect', 'true; }', 'refuse'],
  ['nginx.ingress.kubernetes.io/rewrite-target', '/$2', 'pass'],
  ['nginx.ingress.kubernetes.io/rewrite-target', '/x; load_module y', 'refuse'],
  ['nginx.ingress.kubernetes.io/proxy-body-size', '8m', 'pass'],
  ['nginx.ingress.kubernetes.io/proxy-body-size', '8m\n}', 'refuse'],
  ['nginx.ingress.kubernetes.io/server-snippet', 'return 200;', 'refuse'],
  ['nginx.ingress.kubernetes.io/auth-secret', 'other/secret', 'refuse'],
  ['nginx.ingress.kubernetes.io/auth-url', 'https://a.example', 'pass', ['nginx.ingress.kubernetes.io/auth-url']],
  ['alb.ingress.kubernetes.io/group.name', 'shared', 'refuse'],
  ['alb.ingress.kubernetes.io/group.name', 'shared', 'pass', ['alb.ingress.kubernetes.io/*']],
  ['alb.ingress.kubernetes.io/group.name', 'shared', 'refuse', ['nginx.ingress.kubernetes.io/*']],
  ['kubernetes.io/ingress.global-static-ip-name', 'x', 'refuse'],
  ['traefik.ingress.kubernetes.io/router.middlewares', 'kube-system-x@kubernetescrd', 'refuse'],
  ['haproxy.org/backend-config-snippet', 'x', 'refuse'],
  ['konghq.com/plugins', 'x', 'refuse'],
  ['cert-manager.io/cluster-issuer', 'mine', 'stay'],
  ['cert-manager.io/cluster-issuer', 'mine', 'pass', ['cert-manager.io/cluster-issuer']],
  ['meta.helm.sh/release-name', 'web', 'stay'],
  ['note', 'x', 'stay'],
  ['__proto__', 'x', 'stay'],
])('%s: %s', ([key, value, fate, allowed = []]) => {
  expect(annotationFate(key, value, allowed)).toBe(fate)
})
