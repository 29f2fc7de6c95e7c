import { resourceTypes } from '../../apis/resource-types.ts'
import type { IsolationSettings } from '../../tenancy/isolation.ts'
import { tryAll } from '../attempt.ts'
import type { Bench, Check, Verdict } from '../check.ts'
import { worst } from '../judge-trial.ts'
import { type PodTrait, podTraits } from '../pod-traits.ts'
import { compliantPod } from '../specimens.ts'

/** In words of names: `hostNetwork` is `host-network`. */
const dashed = (key: string): string => key.replace(/[A-Z]+/g, (letters) => `-${letters.toLowerCase()}`)

const tryTrait = (key: keyof typeof podTraits, { namespace, image, settings, ...bench }: Bench): Promise<Verdict> => {
  const trait: PodTrait = podTraits[key]
  return tryAll(
    {
      type: resourceTypes.pods,
      name: dashed(key),
      what: trait.what,
      compliant: compliantPod({
        name: dashed(key),
        namespace,
        image,
        args: ['pause'],
        pullAlways: settings.pods.pullAlways,
      }),
      spoil: trait.spoil,
      isIn: trait.isIn,
    },
    { namespace, image, settings, ...bench },
  )
}

const without =
  (...keys: readonly (keyof typeof podTraits)[]): Check['run'] =>
  async (bench) => {
    const verdicts: Verdict[] = []
    for (const key of keys) verdicts.push(await tryTrait(key, bench))
    return worst(verdicts)
  }

const whilePrivileged = ({ podSecurity }: IsolationSettings): string | undefined =>
  podSecurity === 'privileged' ? 'podSecurity is privileged: pods may have it' : undefined

/** What pods may not have. */
export const podChecks: readonly Check[] = [
  {
    id: 'MTB-PL1-BC-CPI-3',
    title: 'Block add capabilities',
    category: 'Control Plane Isolation',
    origin: 'published',
    excused: ({ pods: { capabilities } }) =>
      capabilities.includes('SETPCAP') || capabilities.includes('*')
        ? 'pods.capabilities has SETPCAP, which the Pod Security Standards let a container add at level baseline'
        : undefined,
    run: without('capability'),
  },
  {
    id: 'MTB-PL1-BC-CPI-4',
    title: 'Require run as non-root user',
    category: 'Control Plane Isolation',
    origin: 'published',
    excused: ({ pods: { runAsNonRoot } }) =>
      runAsNonRoot ? undefined : 'pods.runAsNonRoot is false: containers may run as root',
    run: without('root'),
  },
  {
    id: 'MTB-PL1-BC-CPI-5',
    title: 'Block privileged containers',
    category: 'Control Plane Isolation',
    origin: 'published',
    excused: whilePrivileged,
    run: without('privileged'),
  },
  {
    id: 'MTB-PL1-BC-CPI-6',
    title: 'Block privilege escalation',
    category: 'Control Plane Isolation',
    origin: 'published',
    excused: ({ pods: { privilegeEscalation } }) =>
      privilegeEscalation ? 'pods.privilegeEscalation is true: containers may gain rights' : undefined,
    run: without('escalation'),
  },
  {
    id: 'MTB-PL1-BC-HI-1',
    title: 'Block host path volumes',
    category: 'Host Isolation',
    origin: 'published',
    excused: whilePrivileged,
    run: without('hostPath'),
  },
  {
    id: 'MTB-PL1-BC-HI-3',
    title: 'Block use of host networking and ports',
    category: 'Host Isolation',
    origin: 'published',
    excused: whilePrivileged,
    run: without('hostNetwork', 'hostPort'),
  },
  {
    id: 'MTB-PL1-BC-HI-4',
    title: 'Block use of host PID',
    category: 'Host Isolation',
    origin: 'published',
    excused: whilePrivileged,
    run: without('hostPID'),
  },
  {
    id: 'MTB-PL1-BC-HI-5',
    title: 'Block use of host IPC',
    category: 'Host Isolation',
    origin: 'published',
    excused: whilePrivileged,
    run: without('hostIPC'),
  },
  {
    id: 'MTB-PL1-CC-DI-1',
    title: 'Require imagePullPolicy Always',
    category: 'Data Isolation',
    origin: 'published',
    excused: ({ pods: { pullAlways } }) =>
      pullAlways ? undefined : 'pods.pullAlways is false: pods may run images that are on the node',
    run: without('pullNever'),
  },
  {
    id: 'MTB-PENDING-1198',
    title: 'Require PersistentVolumeClaim for storage',
    category: 'Data Isolation',
    origin: 'pending',
    excused: whilePrivileged,
    run: without('hostPath', 'nfs', 'iscsi'),
  },
]
