import type { KubeClient } from '../kube/client.ts'
import type { ObjectPort } from './object-port.ts'

/** Where the CLI runs: the process, or a test. */
export interface CliHost {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean }
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean }
  /** Aborts at the first Ctrl-C. */
  readonly signal: AbortSignal
  readonly now: () => number
  /** Says what a change of tenants would do; given from outside, since the rules belong to the manager. */
  readonly explainChange: ExplainPort
  /** Says what is wrong; given from outside, since the rules belong to the manager. */
  readonly diagnose: DiagnosePort
  /** Compares a tenant's two sides; given from outside, since the comparison belongs to the syncer. */
  readonly verify: VerifyPort
  /** Says how one object stands; given from outside, since the rules belong to the syncer. */
  readonly explainObject: ObjectPort
}

export interface VerifyInput {
  readonly name: string
  readonly namespace: string
  readonly rounds: number
  readonly everyMs: number
  readonly settleMs: number
  readonly signal: AbortSignal
  readonly onRound: (round: number, differences: number) => void
}

export interface VerifyClients {
  readonly management: KubeClient
  readonly superClient: KubeClient
  readonly connect: (kubeconfig: string) => KubeClient
}

/** One disagreement, in the words of the tenant. */
export interface VerifyFinding {
  readonly kind: string
  readonly resource: string
  readonly namespace: string
  readonly name: string
  readonly detail: string
}

export interface VerifyOutcome {
  readonly tenant: { readonly uid: string; readonly name: string; readonly namespace: string }
  readonly differences: readonly VerifyFinding[]
  readonly moving: readonly VerifyFinding[]
  readonly refused: readonly VerifyFinding[]
  readonly compared: number
  readonly roundsTaken: number
  readonly frozen: string | undefined
}

export type VerifyPort = (input: VerifyInput, clients: VerifyClients) => Promise<VerifyOutcome>

export interface ExplainInput {
  /** YAML or JSON, of one or more TenantControlPlanes. */
  readonly text: string
  /** Of documents that name none. */
  readonly namespace: string
  /** The namespace was asked for: no document may say another. */
  readonly isForced: boolean
  readonly signal: AbortSignal
}

/** What becomes of one object. */
export interface ExplainedEffect {
  readonly place: string
  readonly object: string
  readonly effect: string
  readonly detail: string
  readonly meanwhile: string
  /** Pods that run end by it. */
  readonly endsPods: boolean
}

export interface ExplainedTenant {
  readonly namespace: string
  readonly name: string
  readonly isNew: boolean
  readonly refusals: readonly string[]
  readonly effects: readonly ExplainedEffect[]
}

export type ExplainPort = (input: ExplainInput, client: KubeClient) => Promise<readonly ExplainedTenant[]>

export interface DiagnoseInput {
  /** Without it: all tenants. */
  readonly tenant?: { readonly name: string; readonly namespace: string }
  readonly now: Date
  readonly signal: AbortSignal
}

/** One thing that is wrong, with what to do about it. */
export interface DoctorFinding {
  readonly subject: string
  readonly severity: 'broken' | 'degraded' | 'waiting'
  readonly cause: string
  readonly message: string
  readonly tenants: readonly string[]
}

/** `superClient`: undefined when nobody said where super is, and it may be another cluster. */
export interface DiagnoseClients {
  readonly management: KubeClient
  readonly superClient: KubeClient | undefined
}

export type DiagnosePort = (input: DiagnoseInput, clients: DiagnoseClients) => Promise<readonly DoctorFinding[]>
