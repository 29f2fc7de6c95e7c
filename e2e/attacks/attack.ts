import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ground, openGround } from './ground.ts'

/** One thing that somebody who means harm tries. */
export interface Attack {
  readonly name: string
  /** The administrator of a tenant by its API, or code inside one of its pods. */
  readonly as: 'admin' | 'pod'
  /** Tries it and returns what it was answered. Throws when it got through where words cannot tell, or could not be tried at all. `evil` is a name for what it makes. */
  readonly attempt: (ground: Ground, evil: string) => Promise<string>
  /** What the answer has to say. */
  readonly refusal: RegExp
}

/** Attacks of one theme. */
export interface AttackSet {
  readonly attacks: readonly Attack[]
  /** What has to be there before, and positive controls. */
  readonly prepare?: (ground: Ground) => Promise<void>
  /** Takes away what `prepare` left in super. */
  readonly cleanUp?: () => Promise<unknown>
}

/** The name of what one attempt makes, always the same and no other attempt's: what a former one left behind is not taken for it, nor in its way. */
const evilName = (theme: string, name: string): string =>
  `evil-${createHash('sha256').update(`${theme}/${name}`).digest('hex').slice(0, 10)}`

/**
 * A test for each attack, all on the same two tenants: the attack is refused, its answer holds nothing of the neighbour's, and the neighbour is unharmed.
 * @param name start of the tenants' names, for example `attacks-admin`.
 * @param isolation of the attacker, as `spec.isolation`.
 */
export const runAttacks = (name: string, sets: Readonly<Record<string, AttackSet>>, isolation: object = {}): void => {
  describe(name, () => {
    let ground: Ground
    beforeAll(async () => {
      ground = await openGround(name, isolation)
    })
    afterAll(() => ground?.close())

    for (const [theme, { attacks, prepare, cleanUp }] of Object.entries(sets))
      describe(theme, () => {
        beforeAll(() => prepare?.(ground))
        afterAll(() => cleanUp?.())

        test.for(attacks.map((attack) => [attack.as, attack.name, attack] as const))(
          '%s: %s',
          async ([, name, { attempt, refusal }]) => {
            const said = await attempt(ground, evilName(theme, name))
            expect.soft(said).toMatch(refusal)
            expect.soft(said).not.toContain(ground.treasure)
            await ground.expectUnharmed()
          },
        )
      })
  })
}
