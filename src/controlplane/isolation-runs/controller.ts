import { inForce } from '../../apis/spec-in-force.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { type Controller, type ControllerOptions, createController } from '../../runtime/controller.ts'
import { createIsolationRuns, type IsolationRuns, type RunsOptions } from './keep-runs.ts'
import { runFacts } from './plan.ts'

type Run = Pick<ControllerOptions, 'log' | 'metrics' | 'tracing'>

/** The runs with what keeps them going. */
export const createRunsController = (
  options: RunsOptions,
  run: Run,
): Pick<IsolationRuns, 'trouble'> &
  Pick<Controller, 'start' | 'stop'> & {
    /** A stored tenant is another than before; undefined: it was not there, or is gone. */
    tenantChanged(tenant: TenantControlPlane | undefined, old: TenantControlPlane | undefined): void
  } => {
  const runs = createIsolationRuns(options)
  const controller = createController({
    ...run,
    name: 'isolation-runs',
    // All of them at once: there is one key.
    concurrency: 1,
    reconcile: (_, signal) => runs.reconcile(signal),
  })
  const look = (): void => controller.enqueue('all')
  const factsOf = (tenant: TenantControlPlane | undefined): string => (tenant ? runFacts(inForce(tenant)) : '')
  return {
    trouble: (tenant) => runs.trouble(tenant),
    tenantChanged: (tenant, old) => {
      if (factsOf(tenant) !== factsOf(old)) look()
    },
    start: async () => {
      look()
      await controller.start()
    },
    stop: (how) => controller.stop(how),
  }
}
