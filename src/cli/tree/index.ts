import { apiKeyBranch } from './api-key.ts'
import type { Branch } from './branch.ts'
import { certsBranch } from './certs.ts'
import { checksBranch } from './checks.ts'
import { completionBranch } from './completion.ts'
import { explainBranch } from './explain.ts'
import { installBranch } from './install.ts'
import { isolationBranch } from './isolation.ts'
import { jobsBranch } from './jobs.ts'
import { snapshotsBranch } from './snapshots.ts'
import { tenantBranch } from './tenant.ts'
import { topBranch } from './top.ts'

/** Every noun and verb, in the order of `berth --help`. */
export const branches: readonly Branch[] = [
  checksBranch,
  isolationBranch,
  explainBranch,
  topBranch,
  tenantBranch,
  certsBranch,
  snapshotsBranch,
  jobsBranch,
  apiKeyBranch,
  installBranch,
  completionBranch,
]
