type Labels = Readonly<Record<string, string>>

/** One line of a selector of labels. */
export interface LabelRequirement {
  readonly key: string
  readonly operator: string
  readonly values?: readonly string[]
}

/** A LabelSelector as the API has it. */
export interface LabelSelector {
  readonly matchLabels?: Labels
  readonly matchExpressions?: readonly LabelRequirement[]
}

/** What a requirement says about labels; undefined: its operator is none of the four that all selectors have (k8s.io/apimachinery/pkg/labels). */
export const requirementHolds = ({ key, operator, values = [] }: LabelRequirement, labels: Labels): boolean | undefined => {
  // `constructor` is a label key like any other.
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    default:
      return undefined
  }
}

/**
 * Whether a selector takes these labels; an empty one takes all.
 * @param unknown is what a requirement says whose operator nobody understands.
 */
export const selectorHolds = (
  { matchLabels = {}, matchExpressions = [] }: LabelSelector,
  labels: Labels,
  unknown = false,
): boolean =>
  Object.entries(matchLabels).every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value) &&
  matchExpressions.every((requirement) => requirementHolds(requirement, labels) ?? unknown)
