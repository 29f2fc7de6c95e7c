import { type ProcessId, processesInCgroup, programOf } from '../processes.ts'

/** Holds the namespaces of a pod: it is no part of what the pod does. */
const sandboxProgram = '/pause'

/** Processes of the containers of one pod of a local cluster: those whose cgroup carries the pod's UID. */
export const processesOfPod = (uid: string): ProcessId[] =>
  processesInCgroup(`pod${uid}`).filter((id) => programOf(id) !== sandboxProgram)
