import type { KubeObject } from '../../apis/kube-object.ts'
import { componentNames, secretNames } from '../names.ts'
import { goMemoryEnv, planeSizeOf, resourcesOf } from '../sizes.ts'
import { imagesOf, versions } from '../versions.ts'
import { extraFlags } from './extra-args.ts'
import { keyFolder } from './keys-volume.ts'
import { type Component, disruptionBudget, metadataOf, type Plane, podTemplate, probes, selectorOf, spread } from './plane.ts'

const port = 10257

const flags = (plane: Plane): string[] => {
  const { controllerManager, version } = plane.spec
  return [
    `--kubeconfig=${keyFolder}/kubeconfig`,
    `--secure-port=${port}`,
    `--controllers=${['*', ...versions[version].controllersOff.map((name) => `-${name}`)].join(',')}`,
    '--use-service-account-credentials=true',
    `--root-ca-file=${keyFolder}/root-ca.crt`,
    `--service-account-private-key-file=${keyFolder}/sa.key`,
    `--cluster-signing-cert-file=${keyFolder}/cluster-ca.crt`,
    `--cluster-signing-key-file=${keyFolder}/cluster-ca.key`,
    `--leader-elect=${controllerManager.replicas > 1}`,
    // At start each controller gets an account and a token of its own: with the default of 20 a second that takes longer than all the rest.
    '--kube-api-qps=200',
    '--kube-api-burst=400',
    '--tls-min-version=VersionTLS12',
    '--profiling=false',
  ]
}

const deployment = (plane: Plane): KubeObject => {
  const { controllerManager, size, version } = plane.spec
  const podSize = planeSizeOf(size, plane.sizes).kubeControllerManager
  const resources = resourcesOf(podSize, controllerManager.resources)
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadataOf(plane, componentNames.kubeControllerManager, componentNames.kubeControllerManager),
    spec: {
      replicas: controllerManager.replicas,
      revisionHistoryLimit: 2,
      // Never two at once that do not elect a leader between them: they would do all work twice. A leader does not give its Lease back when it ends, so that
      // a roll of several, one by one, would not be any quicker.
      strategy: { type: 'Recreate' },
      selector: { matchLabels: selectorOf(plane, componentNames.kubeControllerManager) },
      template: podTemplate(plane, componentNames.kubeControllerManager, {
        secret: secretNames.kubeControllerManager,
        container: {
          image: imagesOf(version, plane.registry).kubeControllerManager,
          command: ['/usr/local/bin/kube-controller-manager', ...flags(plane), ...extraFlags(controllerManager.extraArgs)],
          env: goMemoryEnv(podSize, resources.limits.memory),
          ports: [{ name: 'https', containerPort: port }],
          resources,
          ...probes({ port, scheme: 'HTTPS' }, { live: '/healthz', ready: '/healthz' }),
        },
        fields: {
          terminationGracePeriodSeconds: 10,
          ...(controllerManager.replicas > 1 && spread(plane, componentNames.kubeControllerManager)),
        },
      }),
    },
  }
}

export const kubeControllerManager: Component = {
  name: componentNames.kubeControllerManager,
  desired: (plane) => [
    deployment(plane),
    ...(plane.spec.controllerManager.replicas > 1 ? [disruptionBudget(plane, componentNames.kubeControllerManager)] : []),
  ],
}
