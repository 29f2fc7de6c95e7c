import { kwokNodeLabel, kwokTaint } from '../hack/cluster/kwok.ts'
import type { KubeObject } from '../src/apis/kube-object.ts'

/** Label on all pods of one measurement. */
export const runLabel = 'bench-run'

/** A pod as a Deployment of an ordinary web service makes them: about 4 KB in etcd. Nothing in it refers to another object. */
export const benchPod = ({ name, namespace, run }: { name: string; namespace: string; run: string }): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace,
    labels: {
      [runLabel]: run,
      'app.kubernetes.io/name': 'checkout',
      'app.kubernetes.io/instance': 'checkout-production',
      'app.kubernetes.io/version': '4.17.2',
      'app.kubernetes.io/component': 'server',
      'app.kubernetes.io/part-of': 'storefront',
    },
    annotations: {
      'prometheus.io/scrape': 'true',
      'prometheus.io/port': '9090',
      'prometheus.io/path': '/metrics',
      'example.com/config-checksum': '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    },
  },
  spec: {
    automountServiceAccountToken: false,
    nodeSelector: { [kwokNodeLabel.key]: kwokNodeLabel.value },
    tolerations: [{ key: kwokTaint.key, operator: 'Equal', value: kwokTaint.value, effect: kwokTaint.effect }],
    terminationGracePeriodSeconds: 30,
    securityContext: { runAsNonRoot: true, runAsUser: 10_001, fsGroup: 10_001, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'server',
        image: 'registry.example.com/storefront/checkout@sha256:60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752',
        args: ['serve', '--listen=:8080', '--metrics=:9090', '--grace=25s', '--log-format=json'],
        ports: [
          { name: 'http', containerPort: 8080 },
          { name: 'metrics', containerPort: 9090 },
        ],
        env: [
          { name: 'LOG_LEVEL', value: 'info' },
          { name: 'REGION', value: 'eu-central-1' },
          { name: 'DATABASE_POOL_SIZE', value: '12' },
          { name: 'CACHE_TTL_SECONDS', value: '300' },
          { name: 'PAYMENT_ENDPOINT', value: 'https://payments.storefront.svc.cluster.local/v2' },
          { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
        ],
        resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '1', memory: '256Mi' } },
        readinessProbe: { httpGet: { path: '/ready', port: 'http' }, periodSeconds: 5, failureThreshold: 3 },
        livenessProbe: { httpGet: { path: '/live', port: 'http' }, periodSeconds: 10, initialDelaySeconds: 15 },
        securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
        volumeMounts: [
          { name: 'tmp', mountPath: '/tmp' },
          { name: 'cache', mountPath: '/var/cache/checkout' },
        ],
      },
    ],
    volumes: [
      { name: 'tmp', emptyDir: {} },
      { name: 'cache', emptyDir: { sizeLimit: '256Mi' } },
    ],
  },
})
