import type { Check } from '../check.ts'
import { accessChecks } from './access.ts'
import { agentChecks } from './agent.ts'
import { credentialChecks } from './credentials.ts'
import { definitionChecks } from './definitions.ts'
import { guardedChecks } from './guarded.ts'
import { markChecks } from './marks.ts'
import { networkChecks } from './network.ts'
import { podChecks } from './pods.ts'
import { quotaChecks } from './quota.ts'
import { serviceChecks } from './services.ts'
import { storageChecks } from './storage.ts'

const all: readonly Check[] = [
  ...accessChecks,
  ...guardedChecks,
  ...podChecks,
  ...serviceChecks,
  ...quotaChecks,
  ...storageChecks,
  ...networkChecks,
  ...definitionChecks,
  ...markChecks,
  ...credentialChecks,
  ...agentChecks,
]

const origins: readonly Check['origin'][] = ['published', 'pending', 'berth']

/** Every check: the 24 of the Multi-Tenancy Benchmarks, and then our own. */
export const checks: readonly Check[] = origins.flatMap((origin) => all.filter((check) => check.origin === origin))
