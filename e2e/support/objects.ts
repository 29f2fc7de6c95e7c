import versions from '../../images/versions.json' with { type: 'json' }

/** The images tenants find on the nodes. */
export const agnhost = `registry.k8s.io/e2e-test-images/agnhost:${versions.agnhost}`
export const busybox = `docker.io/library/busybox:${versions.busybox}`

export const namespace = (name: string): object => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })

export const configMap = (namespace: string, name: string, data: Record<string, string>): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace, name },
  data,
})

export const secret = (namespace: string, name: string, stringData: Record<string, string>): object => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { namespace, name },
  stringData,
})

export const claim = (namespace: string, name: string): object => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { namespace, name },
  spec: claimSpec,
})

export const claimSpec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '16Mi' } } }

const resources = { requests: { cpu: '10m', memory: '16Mi' } }

/** A busybox container that runs a shell script. */
export const shell = (script: string, more: object = {}): Record<string, unknown> => ({
  name: 'main',
  image: busybox,
  command: ['sh', '-c', script],
  resources,
  ...more,
})

/** A web server that answers /hostname on port 8080, ready when it does. */
export const webServer = (more: object = {}): Record<string, unknown> => ({
  name: 'main',
  image: agnhost,
  args: ['netexec', '--http-port=8080', '--udp-port=-1'],
  ports: [{ name: 'http', containerPort: 8080 }],
  readinessProbe: { httpGet: { path: '/hostname', port: 8080 }, periodSeconds: 1 },
  resources,
  ...more,
})

/** Runs until it is told to stop, and then stops at once. */
export const idle = 'trap "exit 0" TERM; while true; do sleep 3600 & wait $!; done'

export const podSpec = (container: object, more: object = {}): object => ({
  terminationGracePeriodSeconds: 1,
  containers: [container],
  ...more,
})

export const pod = (
  namespace: string,
  name: string,
  container: object,
  { labels = { app: name }, annotations = {}, ...spec }: { labels?: object; annotations?: object; [key: string]: unknown } = {},
): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace, name, labels, annotations },
  spec: podSpec(container, spec),
})

export const deployment = (
  namespace: string,
  name: string,
  replicas: number,
  container: object,
  more: object = {},
  annotations: object = {},
): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { namespace, name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name }, annotations }, spec: podSpec(container, more) },
  },
})

export const service = (namespace: string, name: string, spec: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace, name },
  spec: { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 8080 }], ...spec },
})

/** A StatefulSet whose pods each have a volume at /data, with its headless Service. */
export const statefulSet = (namespace: string, name: string, replicas: number, container: object): object[] => [
  service(namespace, name, { clusterIP: 'None', ports: [{ name: 'http', port: 8080 }] }),
  {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { namespace, name },
    spec: {
      serviceName: name,
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: podSpec({ ...container, volumeMounts: [{ name: 'data', mountPath: '/data' }] }),
      },
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: claimSpec }],
    },
  },
]
