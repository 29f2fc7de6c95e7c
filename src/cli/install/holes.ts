import type { InstallValues } from './values.ts'

/** The end of a list. */
export const append = { append: true } as const
/** A step into an object: a key, the entry of a list with this name, or a new entry at its end. */
export type Step = string | { readonly named: string } | typeof append

/** What is put into a hole. Empty values leave nothing there, also not the manifest's own. */
export interface Source {
  /** For the chart: what gives the same from its values. */
  readonly template: string
  readonly of: (values: InstallValues) => unknown
}

/** A place in an object of the manifests that the values fill. */
export interface Hole {
  /** `Kind/name` of the object. */
  readonly object: string
  readonly path: readonly Step[]
  readonly source: Source
}

const value = (template: string, of: Source['of']): Source => ({ template: `.Values.${template}`, of })
const named = (name: string, of: Source['of']): Source => ({ template: `(include "berth.${name}" . | fromYamlArray)`, of })

/** Reference of Berth's image. */
export const imageReference = ({ image: { repository, tag, digest } }: InstallValues): string =>
  digest === '' ? `${repository}:${tag}` : `${repository}@${digest}`

const image: Source = { template: '(include "berth.image" .)', of: imageReference }
const pullPolicy = value('image.pullPolicy', ({ image: { pullPolicy: policy } }) => policy)
const pullSecrets = value('image.pullSecrets', ({ image: { pullSecrets: secrets } }) => secrets)

type ProcessKey = 'manager' | 'syncer' | 'vnAgent' | 'api' | 'worker'

/** Flags of a process, those of Berth first: what an operator says himself comes last and wins. */
const argsOf =
  (key: ProcessKey) =>
  (values: InstallValues): string[] => {
    const { flags, extraArgs } = values[key]
    const given = Object.entries(flags).filter(([, each]) => each !== undefined)
    return [
      ...(values.logLevel === '' ? [] : [`--log-level=${values.logLevel}`]),
      ...given.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, each]) => `--${name}=${String(each)}`),
      ...extraArgs,
    ]
  }

interface ProcessPlace {
  readonly key: ProcessKey
  readonly workload: string
  readonly account: string
  readonly container: string
}

const processHoles = ({ key, workload, account, container }: ProcessPlace): Hole[] => {
  const pod = ['spec', 'template', 'spec'] as const
  const inContainer = [...pod, 'containers', { named: container }] as const
  const of = <K extends keyof InstallValues[ProcessKey]>(name: K) => value(`${key}.${name}`, (values) => values[key][name])
  const hole = (path: readonly Step[], source: Source): Hole => ({ object: workload, path, source })
  const annotations = value(`${key}.serviceAccount.annotations`, (values) => values[key].serviceAccount.annotations)
  return [
    { object: account, path: ['metadata', 'annotations'], source: annotations },
    hole(['spec', 'template', 'metadata', 'annotations'], of('podAnnotations')),
    hole([...pod, 'imagePullSecrets'], pullSecrets),
    hole([...pod, 'priorityClassName'], of('priorityClassName')),
    hole([...pod, 'nodeSelector'], of('nodeSelector')),
    hole([...pod, 'tolerations'], of('tolerations')),
    hole([...pod, 'affinity'], of('affinity')),
    hole([...inContainer, 'image'], image),
    hole([...inContainer, 'imagePullPolicy'], pullPolicy),
    hole([...inContainer, 'args'], named(`${key}Args`, argsOf(key))),
    hole([...inContainer, 'resources'], of('resources')),
  ]
}

const superFolder = '/etc/berth/super'
const apart =
  <T>(give: (values: InstallValues) => T[]) =>
  (values: InstallValues): T[] =>
    values.side === 'management' ? give(values) : []

/** What manager and syncer have in common: replicas, the image they make pods of, and the way to another super cluster. */
const managementHoles = (key: 'manager' | 'syncer'): Hole[] => {
  const object = `Deployment/berth-${key}`
  const pod = ['spec', 'template', 'spec'] as const
  const inContainer = [...pod, 'containers', { named: key }] as const
  const env = { name: 'BERTH_SUPER_KUBECONFIG', value: `${superFolder}/kubeconfig` }
  const mount = { name: 'super', mountPath: superFolder, readOnly: true }
  return [
    { object, path: ['spec', 'replicas'], source: value(`${key}.replicas`, (values) => values[key].replicas) },
    { object, path: [...inContainer, 'env', { named: 'BERTH_IMAGE' }, 'value'], source: image },
    {
      object,
      path: [...inContainer, 'env', append],
      source: named(
        'superEnv',
        apart(() => [env]),
      ),
    },
    {
      object,
      path: [...inContainer, 'volumeMounts'],
      source: named(
        'superMounts',
        apart(() => [mount]),
      ),
    },
    {
      object,
      path: [...pod, 'volumes'],
      source: named(
        `${key}SuperVolumes`,
        apart(({ superKubeconfig }) => [{ name: 'super', secret: { secretName: superKubeconfig[`${key}Secret`] } }]),
      ),
    },
  ]
}

const platformHoles = (key: 'api' | 'worker'): Hole[] => {
  const workload = `Deployment/berth-${key}`
  return [
    ...processHoles({ key, workload, account: `ServiceAccount/berth-${key}`, container: key }),
    { object: workload, path: ['spec', 'replicas'], source: value(`${key}.replicas`, (values) => values[key].replicas) },
  ]
}

const viaEnv = ({ vnAgent: { via } }: InstallValues) => (via === 'api' ? [] : [{ name: 'BERTH_AGENT_VIA', value: via }])

/** Every place that values fill. The chart is made from this table, and `berth install` fills by it. */
export const holes: readonly Hole[] = [
  ...processHoles({
    key: 'manager',
    workload: 'Deployment/berth-manager',
    account: 'ServiceAccount/berth-manager',
    container: 'manager',
  }),
  ...managementHoles('manager'),
  ...processHoles({
    key: 'syncer',
    workload: 'Deployment/berth-syncer',
    account: 'ServiceAccount/berth-syncer',
    container: 'syncer',
  }),
  ...managementHoles('syncer'),
  ...processHoles({
    key: 'vnAgent',
    workload: 'DaemonSet/berth-vn-agent',
    account: 'ServiceAccount/berth-vn-agent',
    container: 'vn-agent',
  }),
  {
    object: 'DaemonSet/berth-vn-agent',
    path: ['spec', 'template', 'spec', 'containers', { named: 'vn-agent' }, 'env', append],
    source: named('viaEnv', viaEnv),
  },
  ...platformHoles('api'),
  ...platformHoles('worker'),
  // Its pods are the manager's to make, and have the keys of the registry by their account.
  { object: 'ServiceAccount/berth-isolation-verify', path: ['imagePullSecrets'], source: pullSecrets },
  {
    object: 'ServiceAccount/berth-isolation-verify',
    path: ['metadata', 'annotations'],
    source: value(
      'isolationVerify.serviceAccount.annotations',
      ({ isolationVerify }) => isolationVerify.serviceAccount.annotations,
    ),
  },
]
