import type { KubeClient } from '../kube/client.ts'

/** Where the CLI runs: the process, or a test. */
export interface CliHost {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean }
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean }
  /** Aborts at the first Ctrl-C. */
  readonly signal: AbortSignal
  readonly now: () => number
  /** Compares a tenant's two sides; given from outside, since the comparison belongs to the syncer. */
  readonly verify: VerifyPort
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
