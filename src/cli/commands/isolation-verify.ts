import { writeFile } from 'node:fs/promises'
import { stringify } from 'yaml'
import { resourceTypes } from '../../apis/resource-types.ts'
import { specInForce } from '../../apis/spec-in-force.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { timestamp } from '../../apis/timestamp.ts'
import { type OpenBench, openBench } from '../../isolation/bench.ts'
import type { Bench, Check, CheckResult } from '../../isolation/check.ts'
import { checks } from '../../isolation/checks/index.ts'
import { chooseChecks } from '../../isolation/choose.ts'
import { findNeighbour } from '../../isolation/neighbour.ts'
import { junitText } from '../../isolation/reports/junit.ts'
import { policyReport } from '../../isolation/reports/policy-report.ts'
import { runChecks, scoreOf } from '../../isolation/run.ts'
import type { KubeClient } from '../../kube/client.ts'
import { parseKubeconfig } from '../../kube/kubeconfig.ts'
import { createKubeClient } from '../../kube/undici-client.ts'
import { AppError } from '../../lib/errors.ts'
import { isolationSettings } from '../../tenancy/isolation.ts'
import { isolationRecordText } from '../../tenancy/isolation-record.ts'
import { isolationVerifiedAnnotation } from '../../tenancy/marks.ts'
import { type AccessOptions, openAccess, type SuperOptions, userAgent } from '../access.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { CliHost } from '../host.ts'
import { resultTable, scoreLine } from '../isolation/result-table.ts'
import { isForPeople, type OutputFormat } from '../output-formats.ts'
import { colour, resultText } from '../print.ts'
import { printable } from '../printable.ts'
import { readKubeconfig } from '../read-kubeconfig.ts'
import { readTenant } from './tenants.ts'

export interface IsolationVerifyOptions extends AccessOptions, SuperOptions {
  readonly output: OutputFormat | 'policyreport'
  readonly only?: readonly string[]
  readonly skip?: readonly string[]
  /** Leave the result at the TenantControlPlane. */
  readonly record?: boolean
  /** File for JUnit XML. */
  readonly junit?: string
  readonly image: string
  /** Seconds. */
  readonly wait: number
}

/** A failure counts for more than what is not known. */
export const exitCodeFor = (results: readonly CheckResult[]): ExitCode => {
  const { fail, error } = scoreOf(results)
  if (fail > 0) return exitCodes.differs
  return error > 0 ? exitCodes.unsettled : exitCodes.done
}

type SuperSide = NonNullable<Bench['superSide']>

const checkSuper = async (uid: string | undefined, { client }: SuperSide, tenant: string, signal: AbortSignal): Promise<void> => {
  const system = await client.get(resourceTypes.namespaces, { name: 'kube-system' }, { signal })
  if (uid === undefined || uid === system?.metadata.uid) return
  const text = `the pods of tenant ${tenant} run in super cluster ${uid}, and this is ${system?.metadata.uid}: name the right one with --super-kubeconfig`
  throw new AppError('SUPER_MISMATCH', text, {})
}

const styles = { pass: 'green', fail: 'red', error: 'red', 'not-applicable': 'yellow' } as const

const progress =
  (host: CliHost, count: number) =>
  ({ id, title, result, seconds }: CheckResult, index: number): void => {
    const shown = colour(styles[result], result, { isTTY: host.stderr.isTTY, env: host.env })
    host.stderr.write(`${index}/${count} ${id} ${title}: ${shown} (${seconds.toFixed(1)}s)\n`)
  }

const runAndClose = async (
  { bench, close }: OpenBench,
  { chosen, options }: { readonly chosen: readonly Check[]; readonly options: IsolationVerifyOptions },
  host: CliHost,
): Promise<readonly CheckResult[]> => {
  const tell = progress(host, chosen.length)
  // Minutes: also a log is to show that it goes on.
  const isTold = options.output !== 'policyreport' && isForPeople(options.output)
  if (isTold) host.stderr.write(`trying ${chosen.length} checks in tenant ${printable(bench.tenant.name)}\n`)
  let count = 0
  try {
    return await runChecks(chosen, bench, (result) => {
      count += 1
      if (isTold) tell(result, count)
    })
  } finally {
    await close()
  }
}

/** Tries to break out of a tenant, by the checks of the Multi-Tenancy Benchmarks and our own, and says what held. All that it makes is removed. */
export const isolationVerify = async (name: string, options: IsolationVerifyOptions, host: CliHost): Promise<ExitCode> => {
  const chosen = chooseChecks(checks, options)
  if (options.record && chosen.length < checks.length)
    throw new AppError('CONFIG_INVALID', '--record is for a run of all checks: leave out --only and --skip', {})
  const { client: management, connection, namespace } = await openAccess(options, host.env)
  const closing = [management]
  try {
    const plane = await readTenant(management, { name, namespace }, host.signal)
    const { superCluster, controlPlaneNamespace } = plane.status ?? {}
    const adminConnection = parseKubeconfig(await readKubeconfig(management, plane, host.signal))
    if (controlPlaneNamespace === undefined)
      throw new AppError('TENANT_UNREACHABLE', `tenant ${name} has no control plane yet`, {})
    const apart =
      options.superKubeconfig === undefined ? undefined : await openAccess({ kubeconfig: options.superKubeconfig }, host.env)
    if (apart) closing.push(apart.client)
    const superSide = apart ?? (superCluster?.isApart ? undefined : { client: management, connection })
    if (superSide) await checkSuper(superCluster?.uid, superSide, name, host.signal)
    // What its TenantClass says holds for it too.
    const { isolation, sync } = specInForce(plane)
    const tenant = { uid: plane.metadata.uid ?? '', name, namespace: plane.metadata.namespace ?? namespace }
    const open = await openBench({
      tenant,
      controlPlaneNamespace,
      settings: isolationSettings(isolation),
      classRules: sync.classes,
      management,
      superSide,
      neighbour: await findNeighbour(tenant, { management, signal: host.signal }),
      image: options.image,
      waitMs: options.wait * 1000,
      signal: host.signal,
      adminConnection,
      connect: (to) => createKubeClient(to, { userAgent }),
      now: host.now,
    })
    const results = await runAndClose(open, { chosen, options }, host)
    if (options.record) await record(results, { management, plane, at: new Date(host.now()) }, host)
    await report(results, { tenant, options }, host)
    return exitCodeFor(results)
  } finally {
    await Promise.all(closing.map((client) => client.close()))
  }
}

/** The manager makes a condition of it. */
const record = async (
  results: readonly CheckResult[],
  { management, plane, at }: { readonly management: KubeClient; readonly plane: TenantControlPlane; readonly at: Date },
  { signal }: CliHost,
): Promise<void> => {
  const { pass, notApplicable } = scoreOf(results)
  const idsOf = (of: CheckResult['result']) => results.filter(({ result }) => result === of).map(({ id }) => id)
  const { name = '', namespace = '', generation = 0, uid } = plane.metadata
  const text = isolationRecordText({
    at: timestamp(at),
    generation,
    pass,
    notApplicable,
    failed: idsOf('fail'),
    unknown: idsOf('error'),
  })
  // The UID keeps it from one of the same name that was made meanwhile.
  const change = { metadata: { uid, annotations: { [isolationVerifiedAnnotation]: text } } }
  await management.patch(resourceTypes.tenantControlPlanes, { name, namespace }, change, { signal })
}

const report = async (
  results: readonly CheckResult[],
  { tenant, options }: { readonly tenant: Bench['tenant']; readonly options: IsolationVerifyOptions },
  host: CliHost,
): Promise<void> => {
  const at = new Date(host.now())
  if (options.junit !== undefined) await writeFile(options.junit, junitText(results, { tenant: tenant.name, at }))
  if (options.output === 'policyreport') {
    host.stdout.write(stringify(policyReport(results, { tenant, at })))
    return
  }
  host.stdout.write(resultText(resultTable(tenant, results), options.output))
  if (!isForPeople(options.output)) return
  const style = exitCodeFor(results) === exitCodes.done ? 'green' : 'red'
  const line = `tenant ${tenant.name}: ${scoreLine(results)}`
  host.stderr.write(`${colour(style, printable(line), { isTTY: host.stderr.isTTY, env: host.env })}\n`)
}
