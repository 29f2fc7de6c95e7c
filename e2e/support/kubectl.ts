import { inject } from 'vitest'
import { type Kubectl, kubectlFor } from '../../hack/cluster/kubectl.ts'
import type { World } from '../cluster.ts'

/** An object as the API gives it, as far as stories look. */
export interface Thing {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly uid: string
    readonly resourceVersion: string
    readonly generation?: number
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  // Stories read a few deep fields of many kinds; the assertion on the value is the check of its type.
  readonly spec?: Readonly<Record<string, unknown>>
  readonly status?: Readonly<Record<string, unknown>>
  readonly data?: Readonly<Record<string, string>>
}

export const world = (): World => inject('world')

/** kubectl as the administrator of the super cluster. */
export const superKubectl: Kubectl = (args, given) => kubectlFor(world().kubectl, world().superKubeconfig)(args, given)

/** `kubectl get ... -o json`, parsed. */
export const getJson = async <T = Thing>(kubectl: Kubectl, args: readonly string[]): Promise<T> =>
  JSON.parse(await kubectl(['get', ...args, '-o', 'json'], { timeoutMs: 30_000 })) as T

/** The items of a list. */
export const listJson = async (kubectl: Kubectl, args: readonly string[]): Promise<readonly Thing[]> =>
  (await getJson<{ items: Thing[] }>(kubectl, args)).items

const accountDeadlineMs = 60_000

/**
 * Applies objects, all in one call. A pod in a namespace that is new has no account to run under before the tenant's controller manager has made it; admission
 * waits a second or two for that (kubernetes, plugin/pkg/admission/serviceaccount), this longer.
 */
export const apply = async (kubectl: Kubectl, ...objects: readonly object[]): Promise<string> => {
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects })
  const until = performance.now() + accountDeadlineMs
  for (;;) {
    try {
      return await kubectl(['apply', '-f', '-'], { input })
    } catch (error) {
      if (performance.now() > until || !/serviceaccount "default" not found/.test(String(error))) throw error
    }
  }
}

/** What kubectl said when it failed. @throws when it did not fail. */
export const refusal = async (attempt: Promise<string>): Promise<string> => {
  const outcome = await attempt.then(
    (output) => ({ output }),
    (error: unknown) => ({ message: error instanceof Error ? error.message : String(error) }),
  )
  if ('message' in outcome) return outcome.message
  throw new Error(`this should have been refused, but was answered: ${outcome.output}`)
}
