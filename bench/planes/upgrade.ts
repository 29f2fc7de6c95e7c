import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startWriter } from '../../e2e/support/steady-writer.ts'
import { kubernetesVersions } from '../../src/apis/tenant-control-plane.ts'
import type { UpgradeFigures } from './results.ts'
import { type Stage, secondsSince, waitUntil } from './stage.ts'
import { getPlane, patchPlane, withPlane } from './tenants.ts'

const [to, from] = kubernetesVersions
const deadlineMs = 600_000
/** Out of these nothing becomes `Done` by itself. */
const lost = ['GoingBack', 'RestoringData', 'Failed']

/** Waits until the version runs. Gives when each phase was first seen, seconds after `began`. */
const phasesUntilDone = async (stage: Stage, name: string, began: number): Promise<Record<string, number>> => {
  const phases: Record<string, number> = {}
  await waitUntil(`upgrade of ${name}`, { deadlineMs, signal: stage.signal }, async () => {
    const upgrade = (await getPlane(stage, name)).status?.upgrade
    if (upgrade?.to !== to) return { seen: 'it has not begun' }
    if (phases[upgrade.phase] === undefined) stage.progress(`upgrade: ${upgrade.phase}`)
    phases[upgrade.phase] ??= secondsSince(began)
    if (lost.includes(upgrade.phase)) throw new Error(`the upgrade is ${upgrade.phase}: ${upgrade.message}`)
    return upgrade.phase === 'Done' ? { found: true } : { seen: `${upgrade.phase}: ${upgrade.message}` }
  })
  return phases
}

/** One tenant goes to the next minor version while a client writes to it ten times a second. */
export const upgrade = async (stage: Stage): Promise<UpgradeFigures> => {
  const dir = await mkdtemp(join(tmpdir(), 'berth-bench-'))
  try {
    return await withPlane(stage, 'upgraded', { version: from }, async ({ name, kubeconfig }) => {
      const path = join(dir, 'kubeconfig')
      await writeFile(path, kubeconfig, { mode: 0o600 })
      const writer = await startWriter({ kubeconfig: path })
      const began = performance.now()
      const phases = await patchPlane(stage, name, { version: to })
        .then(() => phasesUntilDone(stage, name, began))
        .catch(async (error: unknown) => {
          await writer.stop()
          throw error
        })
      const seconds = secondsSince(began)
      const { acknowledged, retried, failed, longestGapMs } = await writer.stop()
      stage.progress(`upgrade: ${seconds.toFixed(1)} s, longest time without a write ${longestGapMs} ms`)
      return { from, to, seconds, phases, acknowledged, retried: retried.length, failed: failed.length, longestGapMs }
    })
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}
