import { builtHelp, builtVersion } from './goals.ts'
import { readOptions } from './options.ts'
import type { CreateFigures, ListFigures, PlatformResult, Spread, StartFigures, WebhookFigures } from './results.ts'

export const aSpread = (p50: number, p99: number): Spread => ({ count: 200, p50, p99 })

/** Lists where the API takes so long. */
export const aList = (api: Spread): ListFigures => {
  const others = { apiPage: aSpread(2, 9), apiAll: api, raw: aSpread(10, 20) }
  return { oneByOne: { ...others, kubectl: aSpread(200, 300) }, atOnce: others }
}

/** Creates where the API takes so long. */
export const aCreate = (oneByOne: Spread, atOnce: Spread): CreateFigures => {
  const others = { raw: aSpread(5, 9), kubectl: aSpread(100, 150) }
  const knowing = { events: aSpread(6, 8), kubectl: aSpread(12, 20) }
  return { oneByOne: { api: oneByOne, ...others }, atOnce: { api: atOnce, ...others }, perSecond: 80, knowing }
}

/** Deliveries at such a rate. */
export const deliveries = (deliveredPerSecond: number): WebhookFigures => ({
  asked: 15_000,
  heldBack: 0,
  deliveredPerSecond,
  refused: 750,
  missing: 0,
  twice: 0,
  firstTry: aSpread(10, 40),
  retried: aSpread(1200, 2100),
  cores: 0.61,
  residentMiB: 120,
})

/** Starts of the built package that take so long. */
export const someStarts = (version: number, help: number): StartFigures => ({
  [builtVersion]: aSpread(version, version),
  [builtHelp]: aSpread(help, help),
  'kubectl version --client': aSpread(50, 60),
})

/** The result of a usual run. */
export const aResult = (parts: Partial<PlatformResult>): PlatformResult => {
  const options = readOptions([])
  if (!options) throw new Error('no flags ask for no help')
  return {
    date: '2026-11-22T23:00:00.000Z',
    commit: 'abc1234',
    machine: { cpu: 'CPU', cores: 2, memoryGb: 24, kernel: '6.18', node: 'v24', loadBefore: 0.5 },
    options,
    failures: [],
    ...parts,
  }
}
