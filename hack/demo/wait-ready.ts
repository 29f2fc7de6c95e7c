import { execa } from 'execa'
import { kubectlFor } from '../cluster/kubectl.ts'
import { tenantReport } from '../diagnosis.ts'
import { untilLine } from '../lines.ts'
import type { Progress } from '../progress.ts'

interface Condition {
  readonly type: string
  readonly status: string
  readonly reason: string
  readonly message: string
}

/** What the demo reads of a TenantControlPlane's status. */
export interface TenantStatus {
  readonly version?: string
  readonly endpoint?: string
  readonly serviceSlice?: string
  readonly controlPlaneNamespace?: string
  readonly kubeconfigSecret?: string
  readonly conditions?: readonly Condition[]
  /** Seconds from creation until each condition was first true. */
  readonly timings?: Readonly<Record<string, number>>
}

const short = ({ type }: Condition): string => type.replace(/Ready$/, '')
const isTrue = ({ status }: Condition): boolean => status === 'True'

/** True when the tenant can be used. */
export const isReady = ({ conditions = [] }: TenantStatus): boolean =>
  conditions.some((condition) => condition.type === 'Ready' && isTrue(condition))

/** One line on how far a tenant is: what is there, and what the next step waits for. */
export const progressLine = ({ conditions = [] }: TenantStatus): string => {
  const steps = conditions.filter(({ type }) => type !== 'Ready' && type !== 'Deleting')
  const done = steps.filter(isTrue).map(short)
  const next = steps.find((condition) => !isTrue(condition)) ?? conditions.find(({ type }) => type === 'Ready')
  const waiting =
    next && !isTrue(next) ? `${next.type === 'Ready' ? 'Ready' : short(next)}: ${next.message || next.reason}` : undefined
  return [done.length > 0 ? `ready: ${done.join(', ')}` : undefined, waiting].filter(Boolean).join('; ') || 'accepted'
}

/** Watches a tenant until it is Ready, and says each change on the way. @throws with all there is to know after `deadlineMs`. */
export const waitReady = async (
  { kubectl: program, kubeconfig, name }: { kubectl: string; kubeconfig: string; name: string },
  progress: Progress,
  deadlineMs = 180_000,
): Promise<TenantStatus> => {
  const fields = 'jsonpath={.status}{"\\n"}'
  const watch = execa(program, ['--kubeconfig', kubeconfig, 'get', 'tcp', name, '-n', 'default', '--watch', '-o', fields], {
    timeout: deadlineMs,
    reject: false,
    stdin: 'ignore',
  })
  let said = ''
  try {
    return await untilLine(watch.stdout, (line) => {
      const status = (line ? JSON.parse(line) : {}) as TenantStatus
      if (isReady(status)) return status
      const now = progressLine(status)
      if (now !== said) progress(now)
      said = now
      return undefined
    })
  } catch (error) {
    const report = await tenantReport(kubectlFor(program, kubeconfig), name)
    throw new Error(`tenant ${name} was not Ready within ${deadlineMs / 1000} s\n${report}`, { cause: error })
  } finally {
    watch.kill()
    await watch
  }
}
