/** How one spec ended. `skipped`: it looked at the cluster and found that it cannot run there; specs that were not asked for are no results at all. */
export type Outcome = 'passed' | 'failed' | 'skipped'

export interface SpecResult {
  /** Every container text and the spec's own, joined by blanks: what `--focus` is matched with. */
  readonly name: string
  readonly outcome: Outcome
  readonly seconds: number
  /** First line of why it failed or was skipped. */
  readonly why?: string
}

/** The part that is read of ginkgo's JSON report (types.Report of github.com/onsi/ginkgo/v2). */
interface SpecReport {
  readonly ContainerHierarchyTexts: readonly string[] | null
  readonly LeafNodeType: string
  readonly LeafNodeText: string
  readonly State: string
  readonly RunTime: number
  readonly Failure?: { readonly Message?: string }
}

export type GinkgoReport = readonly { readonly SpecReports: readonly SpecReport[] | null }[]

const outcomes: Readonly<Record<string, Outcome>> = { passed: 'passed', skipped: 'skipped' }

/** Left out by focus, skip or label: ginkgo reports those as skipped too, but gives no reason. */
const notAsked = ({ State, Failure }: SpecReport): boolean => State === 'pending' || (State === 'skipped' && !Failure?.Message)

/** Results of the specs that ran, by name. A set-up that failed is a spec of its own. */
export const specResults = (report: GinkgoReport): SpecResult[] =>
  report
    .flatMap(({ SpecReports }) => SpecReports ?? [])
    .filter(({ LeafNodeType, State }) => LeafNodeType === 'It' || !['passed', 'skipped'].includes(State))
    .filter((spec) => !notAsked(spec))
    .map((spec) => {
      const message = (spec.Failure?.Message ?? '').trim().split('\n')[0]?.slice(0, 300)
      return {
        name: [...(spec.ContainerHierarchyTexts ?? []), spec.LeafNodeText || `[${spec.LeafNodeType}]`].join(' '),
        outcome: outcomes[spec.State] ?? 'failed',
        seconds: Math.round(spec.RunTime / 1e8) / 10,
        ...(message && { why: message }),
      }
    })
    .sort((one, other) => one.name.localeCompare(other.name, 'en'))

/** A regular expression of Go that matches exactly these names behind the description of the suite, which ginkgo puts before them. */
export const exactly = (names: readonly string[]): string =>
  ` (${names.map((name) => name.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|')})$`

/** Every `count`th name from the `index`th on (from 1), so that slow neighbours are spread. */
export const shardOf = (
  names: readonly string[],
  { index, count }: { readonly index: number; readonly count: number },
): string[] => names.filter((_, at) => at % count === index - 1)
