import type { PhaseTime } from './phases.ts'
import type { Shown } from './shop.ts'
import type { TenantStatus } from './wait-ready.ts'

/** All that the demo found out. */
export interface DemoResult {
  readonly tenant: string
  readonly times: readonly PhaseTime[]
  readonly shown: readonly Shown[]
  readonly status: TenantStatus
  readonly binDir: string
  readonly tenantKubeconfig: string
  readonly superKubeconfig: string
}

const indent = (text: string): string =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n')

const seconds = (value: number): string => `${value.toFixed(1).padStart(7)} s`

/** The transcript, the seconds, and what to try next. Pure. */
export const farewell = (result: DemoResult): string => {
  const { tenant, times, shown, status, binDir, tenantKubeconfig, superKubeconfig } = result
  const total = times.reduce((sum, time) => sum + time.seconds, 0)
  const timings = Object.entries(status.timings ?? {}).sort(([, a], [, b]) => a - b)
  return [
    '',
    `As tenant ${tenant}, with its own kubeconfig and plain kubectl:`,
    ...shown.flatMap(({ command, output }) => ['', `  $ ${command}`, indent(output)]),
    '',
    'Seconds each phase took:',
    ...times.map((time) => `${seconds(time.seconds)}  ${time.title}`),
    `${seconds(total)}  in all`,
    '',
    `When tenant ${tenant} was created, seconds from the object to each condition:`,
    ...timings.map(([type, value]) => `${seconds(value)}  ${type}`),
    '',
    'Try next, as the tenant:',
    `  export PATH=${binDir}:$PATH KUBECONFIG=${tenantKubeconfig}`,
    '  kubectl get namespaces,nodes,storageclasses',
    '  kubectl get pods -A -o wide',
    '  kubectl -n shop exec -it deploy/web -- sh',
    '  kubectl -n shop scale deploy/web --replicas=4',
    '',
    'and as the one who runs the machines:',
    `  export PATH=${binDir}:$PATH KUBECONFIG=${superKubeconfig}`,
    '  kubectl get tcp -o wide',
    '  kubectl get pods -A -o wide',
    `  berth verify ${tenant}`,
    '  make down    # takes the cluster away and all it left on this machine',
    '',
  ].join('\n')
}
