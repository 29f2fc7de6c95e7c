import type { Progress } from '../../hack/progress.ts'
import type { SelfTime } from '../profile.ts'
import type { PlatformOptions } from './options.ts'
import type { World } from './world.ts'

/** What every stage works with. */
export interface Stage {
  readonly options: PlatformOptions
  readonly world: World
  readonly progress: Progress
  /** Ends what is under way: somebody wants the bench to stop. */
  readonly signal: AbortSignal
  /** Told where the time of a further process went. */
  readonly onProfile: (name: string, profile: readonly SelfTime[]) => void
}
